"""Sweep points as arms of one comparison: their metric by seed, and what it says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reglab.core.errors import NotComparableError
from reglab.core.results import RunResult
from reglab.core.results.comparison import final_metric, shared_binning
from reglab.core.spec import METRICS, At, labels, metrics_of, point_key, resolved
from reglab.core.statistics import (
    ArmAdjustment,
    ArmDifference,
    Estimate,
    Profile,
    Ranks,
    compare_arms,
    interquartile_mean,
    interval_of_mean,
    performance_profile,
    probability_of_improvement,
    rank_arms,
)

METRIC = "test_accuracy"
THRESHOLDS = 41
# Arms of one comparison: 40 of them have 780 pairs.
MOST_ARMS = 40
BETTER = {metric.name: metric.higher_is_better for metric in METRICS}
# Of each dataset, the metric by seed.
Scores = dict[str, dict[int, float]]


@dataclass(frozen=True)
class Arm:
    """Runs that differ in their seeds, and in their datasets where there are several.

    Attributes:
        id: The experiment's id; with ``:K``, the index of its first run, where others of its sweep
            points are compared, too.
        label: For people.
        params: The sweep's values, without those that say the dataset.
        indexes: Of all its runs, finished or not.
        runs: The finished runs.
    """

    id: str
    label: str
    params: dict[str, Any]
    indexes: list[int]
    runs: list[RunResult]


@dataclass(frozen=True)
class ArmRow:
    """The metric of one arm.

    Attributes:
        arm: The arm.
        seeds: Seeds with a finished run on every dataset.
        mean: Mean over seeds, of the mean over datasets; None without a seed.
        low: Lower end of its own 95 % interval by Student's t; None where there is none.
        high: Upper end.
        rank: Average rank, 1 for the best; None where no seed or dataset is in all arms.
    """

    arm: Arm
    seeds: list[int]
    mean: float | None
    low: float | None
    high: float | None
    rank: float | None


@dataclass(frozen=True)
class OverDatasets:
    """What several datasets say together (Agarwal et al., 2021).

    Attributes:
        interquartile_means: Of each arm.
        improvements: Of each comparison, the chance that a run of b is better than one of a.
        profiles: Of each arm, the share of runs that are better than a threshold.
    """

    interquartile_means: list[Estimate]
    improvements: list[Estimate]
    profiles: list[Profile]


@dataclass(frozen=True)
class ArmComparison:
    """Several arms by one metric.

    Attributes:
        metric: Its name.
        higher_is_better: Whether greater values are better.
        baseline: Position of the arm that all others are compared with, or None.
        adjust: How p-values are corrected.
        margin: Differences below it do not matter; None where equivalence is not asked.
        datasets: Names of the datasets, one or several.
        varied: What the seeds vary, as a sentence.
        arms: A row per arm.
        comparisons: Of all arms with the baseline, or of all pairs.
        texts: Each comparison in a sentence.
        ranks: Over seeds, or over datasets where there are several.
        over_datasets: Of several datasets; else None.
    """

    metric: str
    higher_is_better: bool
    baseline: int | None
    adjust: ArmAdjustment
    margin: float | None
    datasets: list[str]
    varied: str
    arms: list[ArmRow]
    comparisons: list[ArmDifference]
    texts: list[str]
    ranks: Ranks
    over_datasets: OverDatasets | None


def arms_of(experiment_id: str, name: str, runs: Sequence[RunResult]) -> list[Arm]:
    """The arms of runs of one experiment; a sweep over datasets makes no arms of its own."""
    points = [_without_dataset(run) for run in runs]
    groups: dict[str, list[tuple[dict[str, Any], RunResult]]] = {}
    for point, run in zip(points, runs, strict=True):
        groups.setdefault(point_key(point), []).append((point, run))
    names = labels([group[0][0] for group in groups.values()], unswept="")
    return [
        Arm(
            experiment_id if len(groups) == 1 else f"{experiment_id}:{group[0][1].index}",
            ": ".join(part for part in (name, label) if part),
            group[0][0],
            [run.index for _, run in group],
            [run for _, run in group if run.state == "succeeded"],
        )
        for group, label in zip(groups.values(), names, strict=True)
    ]


def compare(
    arms: Sequence[Arm],
    metric: str = METRIC,
    baseline: int | None = None,
    adjust: ArmAdjustment = "holm",
    at: At = "kept",
    margin: float | None = None,
) -> ArmComparison:
    """Compare arms by a metric of their finished runs, paired by seed.

    Raises:
        NotComparableError: No run has finished, the arms have unequal datasets or units, a run
            lacks the metric, or the correction does not fit; ``problems`` names the field.
    """
    every = [run for arm in arms for run in arm.runs]
    if not every:
        raise NotComparableError("No run has finished.", "ids", "Wait until some have.")
    datasets = _datasets(arms)
    if metric.endswith("_loss") and len({run.spec.model.loss for run in every}) > 1:
        raise NotComparableError(
            "Cross-entropy and half a squared distance have no difference.",
            "metric",
            "Compare accuracies.",
        )
    binning = shared_binning(every)
    scores: list[Scores] = []
    for arm in arms:
        found: Scores = {name: {} for name in datasets.values()}
        for run in arm.runs:
            value = final_metric(run, metric, at, binning)
            if value is None:
                raise _missing(arm, run, metric)
            found[datasets[_dataset(run)]][run.seed] = value
        scores.append(found)
    values = [_by_seed(each) for each in scores]
    better = BETTER[metric]
    try:
        comparisons = compare_arms(values, baseline, adjust, margin)
    except ValueError as reason:
        raise NotComparableError(str(reason), "adjust", "Use adjust=holm.") from reason
    ranks = _ranks(scores, values, better)
    varied = what_varied(every)
    return ArmComparison(
        metric,
        better,
        baseline,
        adjust,
        margin,
        list(datasets.values()),
        varied,
        [
            _row(arm, each, ranks.average[k] if ranks.average else None)
            for k, (arm, each) in enumerate(zip(arms, values, strict=True))
        ],
        comparisons,
        [_told(arms, one, metric, better, margin) for one in comparisons],
        ranks,
        _over_datasets(scores, comparisons, better) if len(datasets) > 1 else None,
    )


def _without_dataset(run: RunResult) -> dict[str, Any]:
    ignored = run.spec.dataset.training_only
    paths = {
        path: value
        for path, value in run.params.items()
        if not path.startswith("dataset.") or path.split(".")[1] in ignored
    }
    return resolved(run.spec, paths)


def _dataset(run: RunResult) -> str:
    """Equal for runs that are tested on the same examples."""
    dataset = run.spec.dataset
    fields = dataset.model_dump(mode="json", exclude=set(dataset.training_only))
    return json.dumps([fields, run.summary.get("provenance", {}).get("files")], sort_keys=True)


def _datasets(arms: Sequence[Arm]) -> dict[str, str]:
    """Names of the datasets by key; every arm has all of them."""
    found = {_dataset(run): run.spec.dataset for arm in arms for run in arm.runs}
    names: list[str] = [dataset.name for dataset in found.values()]
    if len(set(names)) < len(names):
        names = labels([{"dataset": one.model_dump(mode="json")} for one in found.values()])
    datasets = dict(zip(found, names, strict=True))
    for arm in arms:
        missing = found.keys() - {_dataset(run) for run in arm.runs}
        if arm.runs and missing:
            detail = f"'{arm.label}' has no finished run on {datasets[min(missing)]}, others have."
            remedy = "Compare arms with the same datasets and test examples."
            raise NotComparableError(detail, "ids", remedy)
    return datasets


def _missing(arm: Arm, run: RunResult, metric: str) -> NotComparableError:
    known = ", ".join(one.name for one in metrics_of(run.spec))
    detail = f"Run {run.index} of '{arm.label}' has no {metric} here."
    return NotComparableError(detail, "metric", f"It has {known}.")


def _by_seed(scores: Scores) -> dict[int, float]:
    """Mean over the datasets, of seeds that have them all."""
    seeds = set.intersection(*(set(each) for each in scores.values()))
    return {
        seed: float(np.mean([each[seed] for each in scores.values()])) for seed in sorted(seeds)
    }


def _row(arm: Arm, values: Mapping[int, float], rank: float | None) -> ArmRow:
    seeds = list(values)
    if not seeds or not np.isfinite(list(values.values())).all():
        return ArmRow(arm, seeds, None, None, None, rank)
    mean = interval_of_mean(list(values.values()))
    low, high = (mean.low, mean.high) if np.isfinite(mean.low) else (None, None)
    return ArmRow(arm, seeds, mean.value, low, high, rank)


def _ranks(scores: Sequence[Scores], values: Sequence[Mapping[int, float]], better: bool) -> Ranks:
    if len(scores[0]) > 1:
        rows = [
            [np.mean(list(each[name].values())) if each[name] else np.nan for each in scores]
            for name in scores[0]
        ]
    else:
        shared = sorted(set.intersection(*(set(each) for each in values)))
        rows = [[each[seed] for each in values] for seed in shared]
    return rank_arms(np.array(rows).reshape(-1, len(scores)), better)


def _over_datasets(
    scores: Sequence[Scores], comparisons: Sequence[ArmDifference], better: bool
) -> OverDatasets | None:
    runs = [[np.array(list(each.values())) for each in arm.values()] for arm in scores]
    every = np.concatenate([each for arm in runs for each in arm])
    if not np.isfinite(every).all() or any(not len(each) for arm in runs for each in arm):
        return None
    thresholds = np.linspace(every.min(), every.max(), THRESHOLDS)
    return OverDatasets(
        [interquartile_mean(arm) for arm in runs],
        [probability_of_improvement(runs[one.a], runs[one.b], better) for one in comparisons],
        [performance_profile(arm, thresholds, better) for arm in runs],
    )


def what_varied(runs: Sequence[RunResult]) -> str:
    """What differs between seeds, and what the result is about where the examples do not."""
    sets = [run.spec.dataset for run in runs]
    drawn = [one.is_drawn for one in sets]
    if all(drawn):
        return "Seeds vary initialization, batches, training and test examples."
    some = "of some datasets " if any(drawn) else ""
    if all(one.draws_training for one in sets):
        told = "Seeds vary initialization, batches and training examples"
        return f"{told}; the test examples {some}stay."
    told = "Seeds vary initialization and batches"
    if some:
        return f"{told}; the examples of some datasets stay."
    return f"{told}; all have the same training and test examples: it speaks of these alone."


def _told(
    arms: Sequence[Arm], one: ArmDifference, metric: str, better: bool, margin: float | None
) -> str:
    a, b = arms[one.a].label, arms[one.b].label
    name = metric.replace("_", " ")
    if one.decision == "undecided":
        return f"'{b}' and '{a}': undecided. {one.reason}"
    numbers = f"{one.difference:+.3g} [{one.low:+.3g}, {one.high:+.3g}], n = {len(one.seeds)}"
    if one.decision == "equivalent":
        return f"'{b}' and '{a}' differ by less than {margin:g} in {name}: {numbers}."
    good = "better" if (one.decision == "higher") == better else "worse"
    return f"'{b}' has a {one.decision} ({good}) {name} than '{a}': {numbers}."
