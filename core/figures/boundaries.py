"""Decision boundaries: figures 2, 3, 5 and 6 of the article, and of any runs in the plane."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.grouping import groups, swept
from reglab.core.figures.style import BOUNDARY_MAP, CLASS_COLOURS, Style, canvas, plain
from reglab.core.results import RunResult

LEVELS = np.linspace(0, 1, 11)
PANEL = 3.3


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
    for axes, (run, probability, title) in zip(grid.flat, panels, strict=False):
        filled = draw_boundary(axes, run, probability, title)
    figure.colorbar(filled, ax=grid, label="p(lower moon)", shrink=0.9, ticks=LEVELS[::2])
    return figure


def _aspect(run: RunResult) -> float:
    """Height over width of a run's part of the plane."""
    x, y = run.arrays["boundary.x"], run.arrays["boundary.y"]
    return float((y[-1] - y[0]) / (x[-1] - x[0]))


def _lack_grid(runs: Runs) -> str | None:
    if not runs:
        return "No run has finished yet."
    if any("boundary.p" not in run.arrays for run in runs):
        return "Its runs have no boundary; set probes.boundary to {} on a dataset in the plane."
    return None


class Boundaries(Figure):
    """A panel a sweep point, for any experiment in the plane."""

    name = "boundaries"
    title = "Decision boundaries"

    def applies(self, runs: Runs) -> str | None:
        """Needs boundary grids."""
        return _lack_grid(runs)

    def draw(self, runs: Runs, style: Style) -> Canvas:
        """At most 16 panels, the first replicate of each sweep point."""
        chosen = groups(runs)[:16]
        panels = [(g.runs[0], g.runs[0].arrays["boundary.p"], g.label) for g in chosen]
        return _draw_panels(panels, min(4, math.ceil(math.sqrt(len(panels)))), style)

    def caption(self, runs: Runs) -> str:
        """Number of panels."""
        return f"Probability of class 1 over the plane for {len(groups(runs)[:16])} sweep points."


class SweepBoundaries(Figure):
    """A 3 x 3 grid over the strength of one kind of weight decay."""

    path: ClassVar[str]
    symbol: ClassVar[str]
    preset: ClassVar[str]

    def applies(self, runs: Runs) -> str | None:
        """Needs several values of lambda with boundary grids."""
        lack = _lack_grid(runs)
        if lack is None and len(swept(runs, self.path)) < 2:
            lack = f"It needs several values of {self.path}, as the preset '{self.preset}'."
        return lack

    def draw(self, runs: Runs, style: Style) -> Canvas:
        """Panels by rising lambda; of more than nine values, nine evenly chosen."""
        points = swept(runs, self.path)
        at = np.unique(np.linspace(0, len(points) - 1, min(9, len(points))).round().astype(int))
        panels = [
            (run, run.arrays["boundary.p"], f"{self.symbol} = {value:g}")
            for value, run in (points[k] for k in at)
        ]
        return _draw_panels(panels, 3, style)

    def caption(self, runs: Runs) -> str:
        """Accuracy at the ends of the sweep, and where it is best."""
        points = [
            (value, run.summary["final"]["test_accuracy"]) for value, run in swept(runs, self.path)
        ]
        best = max(points, key=lambda point: point[1])
        return (
            f"Decision boundaries by {self.symbol}, with training points (flipped labels included) "
            f"and contours of the predicted probability. Test accuracy is {points[0][1]:.1%} at "
            f"{self.symbol} = {points[0][0]:g}, {best[1]:.1%} at {best[0]:g} (best), and "
            f"{points[-1][1]:.1%} at {points[-1][0]:g}."
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


class DropoutBoundaries(Figure):
    """Figure 5: without and with dropout, which is off at inference."""

    name = "fig05-dropout-boundaries"
    title = "Decision boundaries without and with dropout"
    article_number = 5

    def applies(self, runs: Runs) -> str | None:
        """Needs a run with and one without dropout."""
        lack = _lack_grid(runs)
        values = [value for value, _ in swept(runs, "regularization.dropout")] if not lack else []
        if lack is None and (0.0 not in values or len(values) < 2):
            lack = "It needs a run with and a run without dropout, as the preset 'dropout'."
        return lack

    def draw(self, runs: Runs, style: Style) -> Canvas:
        """Two panels."""
        points = swept(runs, "regularization.dropout")
        ends = (points[0], points[-1])
        panels = [
            (
                run,
                run.arrays["boundary.p"],
                "no dropout" if not p else f"dropout p = {p:g}, off now",
            )
            for p, run in ends
        ]
        return _draw_panels(panels, 2, Style(style.theme, style.width or 10))

    def caption(self, runs: Runs) -> str:
        """Test losses of both."""
        points = swept(runs, "regularization.dropout")
        plain_loss, loss = (points[k][1].summary["final"]["test_loss"] for k in (0, -1))
        return (
            "Left: trained without dropout. Right: trained with dropout "
            f"p = {points[-1][0]:g}, which is turned off for inference. Test loss is "
            f"{plain_loss:.2f} without and {loss:.2f} with dropout."
        )


class DropoutInstances(Figure):
    """Figure 6: single networks of the dropout ensemble."""

    name = "fig06-dropout-instances"
    title = "Single networks with dropout left on"
    article_number = 6

    def applies(self, runs: Runs) -> str | None:
        """Needs stored instances."""
        if any("boundary.dropout" in run.arrays for run in runs):
            return None
        return "It needs a run with dropout and probes.boundary.dropout_instances above zero."

    def draw(self, runs: Runs, style: Style) -> Canvas:
        """Up to three instances."""
        run = next(run for run in runs if "boundary.dropout" in run.arrays)
        instances = run.arrays["boundary.dropout"][:3]
        panels = [(run, p, f"instance {at + 1}") for at, p in enumerate(instances)]
        return _draw_panels(panels, len(panels), Style(style.theme, style.width or 13))

    def caption(self, runs: Runs) -> str:
        """How much single networks differ from the network without dropout."""
        run = next(run for run in runs if "boundary.dropout" in run.arrays)
        whole = run.arrays["boundary.p"] > 0.5
        differ = np.mean((run.arrays["boundary.dropout"] > 0.5) != whole)
        return (
            "The network trained with dropout, with dropout left on for inference: one random mask "
            f"a panel. On average a single network decides {differ:.1%} of the plane otherwise "
            "than the whole network."
        )
