"""Decision boundaries: figures 2, 3, 5 and 6 of the article, and of any runs in the plane."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from reglab.core.errors import NotMeasurableError
from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.grouping import (
    Group,
    evenly,
    extreme_note,
    facets,
    groups,
    mean_note,
    need_only,
    need_runs,
    of_one_seed,
    points_note,
    shown_seed_note,
    swept,
)
from reglab.core.figures.lines import wrapped_apart
from reglab.core.figures.style import BOUNDARY_MAP, CLASS_COLOURS, Style, canvas, plain
from reglab.core.results import RunResult

LEVELS = np.linspace(0, 1, 11)
PANEL = 3.3
MOST_PANELS = 16
# A grid of two fields is laid out as one, up to so many panels a side.
MOST_SIDE = 6
DROPOUT = "regularization.dropout"
INSTANCES = "boundary.dropout"


def draw_boundary(
    axes: Axes, run: RunResult, probability: NDArray[Any], title: str
) -> QuadContourSet:
    """Filled probability contours, the line p = 1/2, and the training points."""
    x, y = run.arrays["boundary.x"], run.arrays["boundary.y"]
    filled = axes.contourf(x, y, probability, levels=LEVELS, cmap=BOUNDARY_MAP, alpha=0.85)
    # Far from the boundary a saturated net is flat: the contours that matter are the thin lines.
    axes.contour(x, y, probability, levels=LEVELS[1:-1], colors="#333333", linewidths=0.3)
    axes.contour(x, y, probability, levels=[0.5], colors="#000000", linewidths=1.4)
    points, labels = run.arrays["train.points"], run.arrays["train.labels"]
    for label, colour in enumerate(CLASS_COLOURS):
        chosen = points[labels == label]
        marker = "o" if label == 0 else "^"
        axes.scatter(
            chosen[:, 0],
            chosen[:, 1],
            s=13,
            c=colour,
            marker=marker,
            edgecolors="white",
            linewidths=0.35,
        )
    axes.set_title(title)
    axes.set_aspect("equal")
    plain(axes)
    return filled


def _draw_panels(
    panels: Sequence[tuple[RunResult, NDArray[Any], str]], columns: int, style: Style
) -> Canvas:
    rows = math.ceil(len(panels) / columns)
    # The panels' own shape plus room for a title and the colour bar: no empty bands between rows.
    height = PANEL * _aspect(panels[0][0]) + 0.35
    figure = canvas(style, PANEL * columns + 0.9, height * rows)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    titles = wrapped_apart([title for _, _, title in panels])
    for axes, (run, probability, _), title in zip(grid.flat, panels, titles, strict=False):
        filled = draw_boundary(axes, run, probability, title)
    drawn = [run for run, _, _ in panels]
    name = _class_name(drawn) or "class 1"
    label = f"softmax of outputs for {name}" if _squared(drawn) else f"p({name})"
    figure.colorbar(filled, ax=grid, label=label, shrink=0.9, ticks=LEVELS[::2])
    return figure


def _class_name(runs: Sequence[RunResult]) -> str | None:
    """Name of the class whose probability is drawn, if the runs' dataset has one."""
    names = {run.spec.dataset.class_names[1:2] for run in runs}
    return next(iter(names.pop()), None) if len(names) == 1 else None


def _squared(runs: Iterable[RunResult]) -> bool:
    return any(run.spec.model.loss == "squared" for run in runs)


def _aspect(run: RunResult) -> float:
    """Height over width of a run's part of the plane."""
    x, y = run.arrays["boundary.x"], run.arrays["boundary.y"]
    return float((y[-1] - y[0]) / (x[-1] - x[0]))


def _need_grids(runs: Runs) -> None:
    need_runs(runs)
    if any("boundary.p" not in run.arrays for run in runs):
        raise NotMeasurableError(
            "Its runs have no boundary; set probes.boundary to {} on a dataset in the plane."
        )


@dataclass(frozen=True)
class Panels:
    """Sweep points, of which some are drawn by one run each.

    Attributes:
        shown: The runs that are drawn, with their titles.
        columns: How many beside each other.
        sets: The replicates of every sweep point that is drawn.
        total: How many sweep points there are.
    """

    shown: list[tuple[RunResult, str]]
    columns: int
    sets: list[list[RunResult]]
    total: int

    @classmethod
    def of(cls, chosen: Sequence[Group], most: int = MOST_PANELS) -> Panels:
        """A grid of two fields as a grid, others in order; of too many, evenly chosen ones."""
        parts = facets(chosen, few=1, most=MOST_SIDE)
        widths = {len(part.groups) for part in parts}
        if len(parts) > 1 and len(widths) == 1 and max(widths) <= MOST_SIDE:
            shown, columns = [group for part in parts for group in part.groups], widths.pop()
            names = {id(group.runs): group.label for group in chosen}
            titles = [names[id(group.runs)] for group in shown]
        else:
            shown = evenly(chosen, most)
            columns = min(4, math.ceil(math.sqrt(len(shown))))
            titles = [group.label for group in shown]
        sets = [group.runs for group in shown]
        return cls(list(zip(of_one_seed(sets), titles, strict=True)), columns, sets, len(chosen))


class Boundaries(Figure[Panels]):
    """A panel per sweep point, for any experiment in the plane."""

    name = "boundaries"
    title = "Decision boundaries"

    def measure(self, runs: Runs) -> Panels:
        """At most 16 panels, or 36 of a grid; one replicate of each sweep point."""
        _need_grids(runs)
        return Panels.of(groups(runs))

    def draw(self, found: Panels, style: Style) -> Canvas:
        """The panels."""
        panels = [(run, run.arrays["boundary.p"], title) for run, title in found.shown]
        return _draw_panels(panels, found.columns, style)

    def caption(self, found: Panels) -> str:
        """Number of panels."""
        rest = "GET /v1/runs/{id}/boundary has each"
        told = points_note(len(found.shown), found.total, rest)
        drawn = [run for run, _ in found.shown]
        name = _class_name(drawn)
        of_class = f"class 1 ({name})" if name else "class 1"
        softmax = f"Softmax of the outputs for {of_class} (no probability, as the loss is squared)"
        what = softmax if _squared(drawn) else f"Probability of {of_class}"
        return f"{what} over the plane for {told}." + shown_seed_note(drawn, found.sets)


@dataclass(frozen=True)
class Sweep:
    """Replicates by rising value of one field, and those values that are drawn."""

    points: list[tuple[float, list[RunResult]]]
    shown: list[tuple[float, list[RunResult]]]

    @property
    def sets(self) -> list[list[RunResult]]:
        """The replicates of every value."""
        return [replicates for _, replicates in self.points]

    def panels(self) -> list[tuple[float, RunResult]]:
        """A run for each value that is drawn, of one seed if all have it."""
        runs = of_one_seed([replicates for _, replicates in self.shown])
        return [(value, run) for (value, _), run in zip(self.shown, runs, strict=True)]

    def means(self, metric: str) -> list[tuple[float, float]]:
        """A metric of the kept networks by value, mean over seeds."""
        return [
            (value, float(np.mean([run.ending(metric) for run in replicates])))
            for value, replicates in self.points
        ]

    def seed_note(self) -> str:
        """Which replicate is drawn."""
        return shown_seed_note([run for _, run in self.panels()], self.sets)


class SweepBoundaries(Figure[Sweep]):
    """A 3 x 3 grid over the strength of one kind of weight decay."""

    path: ClassVar[str]
    symbol: ClassVar[str]
    preset: ClassVar[str]

    def measure(self, runs: Runs) -> Sweep:
        """Panels by rising lambda; of more than nine values, nine evenly chosen."""
        _need_grids(runs)
        points = swept(runs, self.path)
        if len(points) < 2:
            raise NotMeasurableError(
                f"It needs several values of {self.path}, as the preset '{self.preset}'."
            )
        need_only(runs, f"a sweep of {self.path} alone", self.path)
        return Sweep(points, evenly(points, 9))

    def draw(self, found: Sweep, style: Style) -> Canvas:
        """A panel a value."""
        panels = [
            (run, run.arrays["boundary.p"], f"{self.symbol} = {value:g}")
            for value, run in found.panels()
        ]
        return _draw_panels(panels, 3, style)

    def caption(self, found: Sweep) -> str:
        """Accuracy at the ends of the sweep, and where it is best."""
        points = found.means("test_accuracy")
        labels = [f"{value:g}" for value, _ in points]
        best = extreme_note(labels, [accuracy for _, accuracy in points], found.sets)
        first, *others = [
            f"{points[at][1]:.1%} at {self.symbol + ' = ' if at == 0 else ''}{labels[at]}"
            + best.get(at, "")
            for at in sorted({0, min(best), len(points) - 1})
        ]
        others[-1] = f"and {others[-1]}"
        rest = "GET /v1/runs/{id}/boundary has each"
        shown = points_note(len(found.shown), len(points), rest)
        return (
            f"Decision boundaries by {self.symbol} at {shown}, with training points (flipped "
            "labels included) and contours of the predicted probability. Test accuracy"
            f"{mean_note(found.sets)} is {', '.join([first, *others])}." + found.seed_note()
        )


class L2Boundaries(SweepBoundaries):
    """Figure 2."""

    name = "fig02-l2-boundaries"
    title = "Decision boundaries over L2 weight decay"
    article_number = 2
    path, symbol, preset = "regularization.l2", "λ₂", "l2"


class L1Boundaries(SweepBoundaries):
    """Figure 3."""

    name = "fig03-l1-boundaries"
    title = "Decision boundaries over L1 weight decay"
    article_number = 3
    path, symbol, preset = "regularization.l1", "λ₁", "l1"


class DropoutBoundaries(Figure[Sweep]):
    """Figure 5: without and with dropout, which is off at inference."""

    name = "fig05-dropout-boundaries"
    title = "Decision boundaries without and with dropout"
    article_number = 5

    def measure(self, runs: Runs) -> Sweep:
        """No dropout, and the most of it."""
        _need_grids(runs)
        points = swept(runs, DROPOUT)
        if len(points) < 2 or points[0][0] > 0:
            raise NotMeasurableError(
                "It needs a run with and a run without dropout, as the preset 'dropout'."
            )
        need_only(runs, "a sweep of dropout alone", DROPOUT)
        return Sweep([points[0], points[-1]], [points[0], points[-1]])

    def draw(self, found: Sweep, style: Style) -> Canvas:
        """Two panels."""
        panels = [
            (
                run,
                run.arrays["boundary.p"],
                "no dropout" if not p else f"dropout p = {p:g}, off now",
            )
            for p, run in found.panels()
        ]
        return _draw_panels(panels, 2, Style(style.theme, style.width or 10))

    def caption(self, found: Sweep) -> str:
        """Test losses of both."""
        (_, plain_loss), (p, loss) = found.means("test_loss")
        return (
            f"Left: trained without dropout. Right: trained with dropout p = {p:g}, the largest "
            f"value here, which is turned off for inference. Test loss{mean_note(found.sets)} is "
            f"{plain_loss:.2f} without and {loss:.2f} with dropout." + found.seed_note()
        )


class DropoutInstances(Figure[tuple[Group, int]]):
    """Figure 6: single networks of the dropout ensemble."""

    name = "fig06-dropout-instances"
    title = "Single networks with dropout left on"
    article_number = 6

    def measure(self, runs: Runs) -> tuple[Group, int]:
        """The first sweep point with stored instances, and how many have some."""
        chosen = groups([run for run in runs if INSTANCES in run.arrays])
        if not chosen:
            raise NotMeasurableError(
                "It needs a run with dropout and probes.boundary.dropout_instances above zero."
            )
        return chosen[0], len(chosen)

    def draw(self, found: tuple[Group, int], style: Style) -> Canvas:
        """Up to three instances."""
        run = found[0].runs[0]
        instances = run.arrays[INSTANCES][:3]
        panels = [(run, p, f"instance {at + 1}") for at, p in enumerate(instances)]
        return _draw_panels(panels, len(panels), Style(style.theme, style.width or 13))

    def caption(self, found: tuple[Group, int]) -> str:
        """How much single networks differ from the network without dropout."""
        group, total = found
        run = group.runs[0]
        differ = np.mean(
            [
                np.mean((each.arrays[INSTANCES] > 0.5) != (each.arrays["boundary.p"] > 0.5))
                for each in group.runs
            ]
        )
        first = f" Shown is the first of the settings with dropout: {group.label}." * (total > 1)
        return (
            "The network trained with dropout, with dropout left on for inference: "
            f"{min(3, len(run.arrays[INSTANCES]))} of {len(run.arrays[INSTANCES])} random masks, "
            f"one per panel. On average{mean_note([group.runs])} a single network differs from "
            f"the whole network on {differ:.1%} of the plane."
            + first
            + shown_seed_note([run], [group.runs])
        )
