"""Runs by sweep point, and the mean of their replicates with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from reglab.core.figures.base import Runs
from reglab.core.results import RunResult
from reglab.core.spec import labels, point_key
from reglab.core.statistics import align, mean_interval

Floats = NDArray[np.float64]
# Up to so many replicates are drawn one by one as well.
FEW = 5
# A loss may round to zero, which has no logarithm.
SMALLEST = 1e-12


@dataclass(frozen=True)
class Group:
    """Runs that differ in their seed only.

    Attributes:
        label: The sweep's values, as long as tells the group from those drawn with it.
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
        one replicate the interval has no width.
        """
        epochs, table = self.replicates(metric)
        if log:
            table = np.log(np.maximum(table, SMALLEST))
        mean, low, high = mean_interval(table)
        low, high = (np.where(np.isnan(end), mean, end) for end in (low, high))
        if log:
            mean, low, high = np.exp(mean), np.exp(low), np.exp(high)
        return epochs, mean, low, high


def groups(runs: Runs) -> list[Group]:
    """Groups in the order of their first run."""
    found: dict[str, list[RunResult]] = {}
    for run in runs:
        found.setdefault(point_key(run.params), []).append(run)
    points = [replicates[0].params for replicates in found.values()]
    return [
        Group(params, replicates, label)
        for params, replicates, label in zip(points, found.values(), labels(points), strict=True)
    ]


def plot_metric(axes: Axes, group: Group, metric: str, log: bool = False, **style: Any) -> None:
    """A line of the mean, and where there are replicates a band of its 95 % t interval.

    A few replicates are drawn one by one as well, faintly: their number says how wide a band is.
    """
    epochs, mean, low, high = group.curve(metric, log)
    (line,) = axes.plot(epochs, mean, **style)
    if len(group.runs) < 2:
        return
    axes.fill_between(epochs, low, high, color=line.get_color(), alpha=0.25, linewidth=0)
    if len(group.runs) <= FEW:
        for row in group.replicates(metric)[1]:
            axes.plot(epochs, row, color=line.get_color(), alpha=0.35, linewidth=0.6)


def seeds_note(runs: Runs) -> str:
    """A sentence for captions where lines are means over replicates."""
    counts = {len(group.runs) for group in groups(runs)}
    if max(counts, default=1) < 2:
        return ""
    shown = f"{min(counts)}" if len(counts) == 1 else f"{min(counts)} to {max(counts)}"
    return f" Lines are means over {shown} seeds, bands their 95 % intervals (Student's t)."


def swept(runs: Runs, path: str) -> list[tuple[float, RunResult]]:
    """The first replicate of each value of one numeric path, by rising value."""
    found: dict[float, RunResult] = {}
    for run in runs:
        section, _, leaf = path.partition(".")
        found.setdefault(float(getattr(getattr(run.spec, section), leaf)), run)
    return sorted(found.items(), key=lambda pair: pair[0])


def dataset_note(runs: Runs, expected: str) -> str:
    """A sentence for captions where another dataset stands in for the article's."""
    names = sorted({run.spec.dataset.name for run in runs})
    if names == [expected]:
        return ""
    return f" Drawn from {', '.join(names)} in place of {expected}."
