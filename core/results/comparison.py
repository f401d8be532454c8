"""Two runs, or two sweeps, beside each other: paired by seed and, on one test set, by example."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reglab.core.errors import NotComparableError
from reglab.core.metrics import brier, predictions, reliability
from reglab.core.results import RunResult
from reglab.core.spec import METRICS, At, CalibrationProbe, metrics_of, point_key, resolved
from reglab.core.statistics import (
    McNemar,
    PairedDifference,
    compare_pairs,
    mcnemar,
)

Floats = NDArray[Any]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class PointComparison:
    """One sweep point of a and of b, one metric of the finished runs, paired by seed."""

    params_a: dict[str, Any]
    params_b: dict[str, Any]
    metric: str
    seeds: list[int]
    result: PairedDifference


@dataclass(frozen=True)
class ExampleComparison:
    """Two networks on the same test examples: b minus a.

    Attributes:
        accuracy: Of being right (1) or wrong (0).
        nll: Of the negative log-likelihood, nats; None where an output is no probability.
        mcnemar: Of the right answers.
    """

    accuracy: PairedDifference
    nll: PairedDifference | None
    mcnemar: McNemar


def shared_binning(runs: Iterable[RunResult]) -> CalibrationProbe:
    """How all of these measure calibration; the default where they differ or measure none.

    Errors of unequal binning are not comparable: fewer bins alone make them smaller.
    """
    probes = [run.spec.probes.calibration for run in runs]
    first = probes[0] if probes else None
    return first if first and all(probe == first for probe in probes) else CalibrationProbe()


def final_metrics(
    run: RunResult, at: At = "kept", binning: CalibrationProbe | None = None
) -> dict[str, float]:
    """The metrics of a finished run, in the order of ``METRICS``.

    ``binning`` is that of the ECE; the run's own if left out.

    Those of probabilities are of the kept network alone: with ``at`` 'last' they are left out where
    an earlier one was kept.
    """
    found = {
        metric.name: final_metric(run, metric.name, at, binning) for metric in metrics_of(run.spec)
    }
    return {name: value for name, value in found.items() if value is not None}


def final_metric(
    run: RunResult, name: str, at: At = "kept", binning: CalibrationProbe | None = None
) -> float | None:
    """One metric of a finished run, or None where it has none; see ``final_metrics``."""
    if name not in OF_OUTPUTS:
        return run.ending(name, at) if name in run.curves else None
    has = any(metric.name == name for metric in metrics_of(run.spec))
    if not has or (at == "last" and not _is_last_kept(run)):
        return None
    return OF_OUTPUTS[name](run.logits(), run.labels(), binning or run.spec.probes.binning)


def _ece(logits: Floats, labels: Labels, probe: CalibrationProbe) -> float:
    table = reliability.table_of(logits, labels, probe.bins, probe.binning)
    return reliability.expected_error(table)


# Metrics of the kept network that are no curves, by their names in ``core.spec.METRICS``.
OF_OUTPUTS: dict[str, Callable[[Floats, Labels, CalibrationProbe], float]] = {
    "ece": _ece,
    "brier": lambda logits, labels, _: brier.brier_score(predictions.probabilities(logits), labels),
}


def _is_last_kept(run: RunResult) -> bool:
    last = run.curves["epoch"][-1]
    return bool(run.summary.get("final", {}).get("epoch", last) == last)


def compare_experiments(
    a: Sequence[RunResult], b: Sequence[RunResult], at: At = "kept"
) -> list[PointComparison]:
    """Every sweep point that both have, and every metric, over the seeds that both have.

    Points are the same whose resolved values agree at every path that one of the two sweeps. Two
    experiments of a single point each are compared whatever their points are.

    Raises:
        NotComparableError: They share no sweep point, or no seed of one.
    """
    paths = dict.fromkeys(path for run in (*a, *b) for path in run.params)
    left, right = _points(a, paths), _points(b, paths)
    if not left or not right:
        raise NotComparableError("One of them has no finished run.")
    if len(left) == len(right) == 1:
        pairs = [(next(iter(left)), next(iter(right)))]
    else:
        pairs = [(key, key) for key in left if key in right]
    if not pairs:
        raise NotComparableError("They share no sweep point.")
    # As in the table and the figure of calibration errors, all points have the same bins.
    binning = shared_binning([*a, *b])
    rows = [
        row for one, other in pairs for row in _compare_point(left[one], right[other], at, binning)
    ]
    if not rows:
        raise NotComparableError("They share no seed at any sweep point.")
    return rows


def differing_test_sets(a: RunResult, b: RunResult) -> str | None:
    """Why two runs were not tested on the same examples, or None if they were."""
    if a.spec.dataset.name != b.spec.dataset.name:
        return "They were tested on different datasets."
    if a.spec.dataset.is_drawn and a.seed != b.seed:
        return "Their test points were drawn from different seeds."
    ignored = a.spec.dataset.training_only
    specs = [run.spec.dataset.model_dump(exclude=set(ignored)) for run in (a, b)]
    if specs[0] != specs[1]:
        return "Their datasets differ in size or noise, and so do their test examples."
    files = [run.summary.get("provenance", {}).get("files") for run in (a, b)]
    if files[0] != files[1] or not np.array_equal(a.labels(), b.labels()):
        return "Their test examples were read from different files."
    return None


def compare_on_examples(a: RunResult, b: RunResult, at: At = "kept") -> ExampleComparison:
    """Two networks on one test set.

    Raises:
        NotComparableError: They have different ones, or ``at`` is 'last' where an earlier network
            was kept, whose outputs alone are stored.
    """
    reason = differing_test_sets(a, b)
    if reason is None and at == "last" and not (_is_last_kept(a) and _is_last_kept(b)):
        reason = "An earlier network was kept; the outputs of the last one are not stored."
    if reason is not None:
        raise NotComparableError(reason)
    is_squared = "squared" in (a.spec.model.loss, b.spec.model.loss)
    right_a, right_b = (predictions.is_right(run.logits(), run.labels()) for run in (a, b))
    return ExampleComparison(
        accuracy=compare_pairs(right_a, right_b),
        nll=None if is_squared else compare_pairs(_nll(a), _nll(b)),
        mcnemar=mcnemar(right_a, right_b),
    )


def _nll(run: RunResult) -> NDArray[np.float64]:
    return predictions.nll(run.logits(), run.labels())


def _points(
    runs: Sequence[RunResult], paths: Mapping[str, None]
) -> dict[str, dict[int, RunResult]]:
    found: dict[str, dict[int, RunResult]] = {}
    for run in runs:
        found.setdefault(point_key(resolved(run.spec, paths)), {})[run.seed] = run
    return found


def shared_metrics(runs: Sequence[RunResult], found: Sequence[Mapping[str, float]]) -> list[str]:
    """Names of the metrics that all runs have in one unit, in the order of ``METRICS``.

    Cross-entropy in nats and half a squared distance have no difference.
    """
    one_loss = len({run.spec.model.loss for run in runs}) == 1
    return [
        metric.name
        for metric in METRICS
        if all(metric.name in each for each in found)
        and (one_loss or not metric.name.endswith("_loss"))
    ]


def _compare_point(
    a: dict[int, RunResult], b: dict[int, RunResult], at: At, binning: CalibrationProbe
) -> list[PointComparison]:
    seeds = [seed for seed in a if seed in b]
    if not seeds:
        return []
    runs = [side[seed] for seed in seeds for side in (a, b)]
    left, right = ([final_metrics(side[seed], at, binning) for seed in seeds] for side in (a, b))
    params = a[seeds[0]].params, b[seeds[0]].params
    return [
        PointComparison(
            *params,
            metric,
            seeds,
            compare_pairs([row[metric] for row in left], [row[metric] for row in right]),
        )
        for metric in shared_metrics(runs, [*left, *right])
    ]
