"""What a figure shows of its runs: their sweep points and seeds, and what its caption says of them.

A sweep point is a set of runs whose specs differ in nothing, but for probes that only look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from reglab.core.errors import NotMeasurableError
from reglab.core.figures.base import Runs
from reglab.core.results import RunResult
from reglab.core.spec.points import labels, point_key, resolved
from reglab.core.statistics import align, mean_interval

Floats = NDArray[np.float64]
T = TypeVar("T")
# Fewer replicates have no interval that says anything: Student's factor for two is 12.7.
ENOUGH = 3
# A loss may round to zero, which has no logarithm.
SMALLEST = 1e-12
NONE_FINISHED = "No run has finished yet."
NO_PROBABILITIES = "Networks trained with squared loss give no probabilities."


@dataclass(frozen=True)
class Group:
    """Runs of one sweep point, one for each seed.

    Attributes:
        params: Values by dotted path.
        runs: The replicates.
        label: The values, as long as tells the point from those that it is drawn with.
    """

    params: dict[str, Any]
    runs: list[RunResult]
    label: str = "run"

    def replicates(self, metric: str) -> tuple[Floats, Floats]:
        """Epochs (T,) that all replicates have, and the metric of each of them, (R, T)."""
        epochs, table = align([run.curves for run in self.runs], metric)
        whole = ~np.isnan(table).any(axis=0)
        return epochs[whole].astype(np.float64), table[:, whole]

    def curve(self, metric: str, log: bool = False) -> tuple[Floats, Floats, Floats, Floats]:
        """Epochs, and a metric's mean over the replicates with its 95 % t interval.

        With ``log`` they are taken of the logarithm: the geometric mean, as fits a log axis. Of
        fewer than three replicates the interval has no width.
        """
        epochs, table = self.replicates(metric)
        if log:
            table = np.log(np.maximum(table, SMALLEST))
        mean, low, high = mean_interval(table)
        if len(self.runs) < ENOUGH:
            low = high = mean
        if log:
            with np.errstate(over="ignore"):
                mean, low, high = np.exp(mean), np.exp(low), np.exp(high)
        return epochs, mean, low, high

    @property
    def ends(self) -> list[int]:
        """The last epoch of each replicate, sorted."""
        return sorted(int(run.curves["epoch"][-1]) for run in self.runs)


@dataclass(frozen=True)
class Facet:
    """Sweep points that share a value, and are drawn in one panel."""

    title: str
    groups: list[Group] = field(default_factory=list)


def within(path: str, ancestor: str) -> bool:
    """Whether a dotted path is another one or lies below it."""
    return path == ancestor or path.startswith(f"{ancestor}.")


def differences(runs: Runs) -> list[str]:
    """Dotted paths in which the runs' specs differ, topmost ones only."""
    first = runs[0].fields if runs else {}
    found: dict[str, None] = {}
    for run in runs:
        if run.fields != first:
            both = first.keys() | run.fields.keys()
            missing = object()
            found |= dict.fromkeys(
                path for path in both if first.get(path, missing) != run.fields.get(path, missing)
            )
    return sorted(path for path in found if not any(within(path, up) for up in found if up != path))


def groups(runs: Runs) -> list[Group]:
    """Sweep points in the order of their first run; an equal run counts once.

    They are told apart by what was swept and, of several experiments, by whatever else differs.
    """
    swept_paths = list(dict.fromkeys(path for run in runs for path in run.params))
    others = [
        path for path in differences(runs) if not any(within(path, one) for one in swept_paths)
    ]
    points: dict[str, dict[str, Any]] = {}
    replicates: dict[str, dict[int, RunResult]] = {}
    for run in runs:
        given = {path: run.params.get(path) for path in [*swept_paths, *others]}
        point = resolved(run.spec, given)
        key = point_key(point)
        points.setdefault(key, point)
        replicates.setdefault(key, {}).setdefault(run.seed, run)
    names = labels(list(points.values()))
    return [
        Group(points[key], list(found.values()), name)
        for (key, found), name in zip(replicates.items(), names, strict=True)
    ]


def distinct(runs: Runs) -> list[RunResult]:
    """The runs by sweep point, without those that repeat another's spec and seed."""
    return [run for group in groups(runs) for run in group.runs]


def facets(chosen: Sequence[Group], few: int = 8, most: int = 6) -> list[Facet]:
    """Panels of the points of a grid of two fields, where a single one would hold too many.

    A panel for each value of the field that has fewer; within it points are named by the other.
    """
    varying = [
        path
        for path in (chosen[0].params if chosen else {})
        if len({point_key({path: group.params[path]}) for group in chosen}) > 1
    ]
    whole = [Facet("", list(chosen))]
    if len(chosen) <= few or len(varying) != 2:
        return whole
    by_path = {path: labels([{path: group.params[path]} for group in chosen]) for path in varying}
    rows, columns = sorted(varying, key=lambda path: len(set(by_path[path])))
    if len(set(by_path[rows])) > most:
        return whole
    found: dict[str, Facet] = {}
    for title, name, group in zip(by_path[rows], by_path[columns], chosen, strict=True):
        facet = found.setdefault(title, Facet(title))
        facet.groups.append(Group(group.params, group.runs, name))
    return list(found.values())


def evenly(items: Sequence[T], most: int) -> list[T]:
    """All of them, or ``most`` evenly chosen ones with both ends."""
    at = np.linspace(0, len(items) - 1, min(most, len(items))).round().astype(int)
    return [items[k] for k in np.unique(at)]


def need_runs(runs: Runs) -> None:
    """Refuse where nothing has finished."""
    if not runs:
        raise NotMeasurableError(NONE_FINISHED)


def need_probabilities(runs: Runs) -> None:
    """Refuse networks whose outputs are no probabilities."""
    if any(run.spec.model.loss == "squared" for run in runs):
        raise NotMeasurableError(NO_PROBABILITIES)


def need_only(runs: Runs, shows: str, *paths: str) -> None:
    """Refuse runs that differ in anything but these paths and their seed."""
    others = [path for path in differences(runs) if not any(within(path, one) for one in paths)]
    if others:
        told = ", ".join(others[:4]) + (", ..." if len(others) > 4 else "")
        raise NotMeasurableError(
            f"It shows {shows}, and these runs also differ in {told}: run one value of that as an "
            "experiment of its own."
        )


def swept(runs: Runs, path: str) -> list[tuple[float, list[RunResult]]]:
    """The replicates of each value of one numeric path, by rising value."""
    found: dict[float, list[RunResult]] = {}
    for run in distinct(runs):
        section, _, leaf = path.partition(".")
        found.setdefault(float(getattr(getattr(run.spec, section), leaf)), []).append(run)
    return sorted(found.items(), key=lambda pair: pair[0])


def common_seed(sets: Sequence[Runs]) -> int | None:
    """The first seed that every set has a run of, or None."""
    shared = set.intersection(*({run.seed for run in each} for each in sets)) if sets else set()
    return next((run.seed for run in sets[0] if run.seed in shared), None) if sets else None


def of_one_seed(sets: Sequence[Runs]) -> list[RunResult]:
    """A run of each set: of a seed that all sets have, else the first."""
    seed = common_seed(sets)
    return [next((run for run in each if run.seed == seed), each[0]) for each in sets]


def shown_seed_note(shown: Runs, sets: Sequence[Runs]) -> str:
    """A sentence for captions where one run stands for all replicates of its sweep point."""
    seeds = sorted({run.seed for run in shown})
    told = f"seed {seeds[0]}" if len(seeds) == 1 else "the first seed of each"
    most = max((len(each) for each in sets), default=1)
    return f" Shown: {told} of {seeds_of(sets)}." if most > 1 else f" Shown: {told}."


def seeds_of(sets: Sequence[Runs]) -> str:
    """'3 seeds', '2 to 3 seeds', '1 seed'."""
    counts = sorted({len(each) for each in sets}) or [0]
    span = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{span} seed" if counts[-1] == 1 else f"{span} seeds"


def mean_note(sets: Sequence[Runs]) -> str:
    """' (mean over 3 seeds)', or nothing where there is one."""
    return f" (mean over {seeds_of(sets)})" if max(map(len, sets), default=1) > 1 else ""


def extreme_note(
    labels: Sequence[str], values: Sequence[float], sets: Sequence[Runs], word: str = "best"
) -> dict[int, str]:
    """What captions add to the values that are greatest (or 'least'), by position.

    Ties are told, and so are sweep points whose seeds differ: there, a point may be ahead for the
    seeds alone that ended.
    """
    extreme = min(values) if word == "least" else max(values)
    at = [k for k, value in enumerate(values) if value == extreme]
    if len({frozenset(run.seed for run in runs) for runs in sets}) > 1:
        word += " of points with unequal sets of seeds"
    others = {k: " and ".join(labels[j] for j in at if j != k) for k in at}
    if len(at) > 3:
        others = dict.fromkeys(at, f"{len(at) - 1} others")
    return {k: f" ({word}, as at {others[k]})" if others[k] else f" ({word})" for k in at}


def points_note(shown: int, total: int, rest: str) -> str:
    """'9 sweep points', or '16 of 30 sweep points (...)' with the way to the others."""
    if shown == total:
        return f"{total} sweep point" + ("s" if total > 1 else "")
    return f"{shown} of {total} sweep points (evenly chosen, both ends included; {rest})"


def seeds_note(chosen: Sequence[Group], bands: bool = True) -> str:
    """A sentence for captions where lines are means over replicates."""
    sets = [group.runs for group in chosen]
    least, most = (f(map(len, sets), default=1) for f in (min, max))
    if most < 2:
        seeds = {run.seed for runs in sets for run in runs}
        return f" Each line is one run (seed {seeds.pop()})." if len(seeds) == 1 else ""
    told = f" Lines are means over {seeds_of(sets)}"
    if most < ENOUGH:
        told += ": too few for an interval"
    elif bands:
        told += ", bands their 95 % intervals (Student's t), clipped to possible values"
        told += " and left out below three seeds" if least < ENOUGH else ""
    ragged = [group.ends for group in chosen if len(set(group.ends)) > 1]
    if ragged:
        first, last = min(ends[0] for ends in ragged), max(ends[-1] for ends in ragged)
        told += (
            f". Seeds of one sweep point stopped at different epochs (from {first} to {last}): a "
            "mean ends where the first of its seeds does, and thin lines show each to its end"
        )
    return told + "."


def dataset_note(runs: Runs, expected: str) -> str:
    """A sentence for captions where another dataset stands in for the article's."""
    names = sorted({run.spec.dataset.name for run in runs})
    if names == [expected]:
        return ""
    return f" Drawn from {', '.join(names)} in place of {expected}."


def loss_name(runs: Runs) -> str:
    """What the loss of these runs is called on an axis."""
    found = {run.spec.model.loss for run in runs}
    return "cross-entropy" if found == {"cross_entropy"} else "loss"
