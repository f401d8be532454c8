"""Figure 4 and its general form: weight matrices on one symmetric colour scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from reglab.core.errors import NotMeasurableError
from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.boundaries import Panels
from reglab.core.figures.grouping import (
    groups,
    need_only,
    need_runs,
    of_one_seed,
    points_note,
    shown_seed_note,
    swept,
)
from reglab.core.figures.lines import wrapped_apart
from reglab.core.figures.style import WEIGHT_MAP, Style, canvas
from reglab.core.metrics.weights import share_up_to
from reglab.core.results import RunResult

THRESHOLD = 1e-3
MOST_PANELS = 12
MOST_CELLS = 1000
L2, L1 = "regularization.l2", "regularization.l1"
NO_HIDDEN = "Its networks have no hidden layer, and so no hidden weights."


def _hidden_layer(run: RunResult) -> int:
    """The matrix between the first two hidden layers, or the first one of shallower networks."""
    return 1 if len(run.spec.model.hidden) > 1 else 0


def _matrix(run: RunResult) -> NDArray[np.float32]:
    return np.asarray(run.arrays[f"param.W{_hidden_layer(run)}"])


def _sparsity(run: RunResult) -> float:
    return share_up_to([_matrix(run)], THRESHOLD)


def thinned(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """At most MOST_CELLS rows and columns, evenly chosen: a picture has no more pixels for them."""
    kept = [np.linspace(0, n - 1, min(n, MOST_CELLS)).round().astype(int) for n in matrix.shape]
    return np.asarray(matrix[np.ix_(*kept)])


def _where(runs: Runs) -> str:
    deep = {len(run.spec.model.hidden) > 1 for run in runs}
    if deep == {True}:
        return "Weights between the first two hidden layers"
    return "Weights into the hidden layer" if deep == {False} else "Hidden weights"


def _need_hidden(runs: Runs) -> None:
    need_runs(runs)
    if any(not run.spec.model.hidden for run in runs):
        raise NotMeasurableError(NO_HIDDEN)


def _draw(panels: Sequence[tuple[RunResult, str]], style: Style, columns: int) -> Canvas:
    rows = -(-len(panels) // columns)
    figure = canvas(style, 3.6 * columns + 0.8, 3.9 * rows)
    # The 99.5th percentile: one outlier must not pale all the others.
    sizes = [float(np.percentile(np.abs(_matrix(run)), 99.5)) for run, _ in panels]
    limit = max(sizes) or 1.0
    norm = TwoSlopeNorm(0.0, -limit, limit)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    titles = wrapped_apart([title for _, title in panels])
    for axes, (run, _), title in zip(grid.flat, panels, titles, strict=False):
        matrix = _matrix(run)
        # Tall layers, as those above the pixels of an image, would leave no room for the rest.
        stretched = max(matrix.shape) > 4 * min(matrix.shape)
        image = axes.imshow(
            thinned(matrix).T,
            extent=(-0.5, matrix.shape[0] - 0.5, matrix.shape[1] - 0.5, -0.5),
            cmap=WEIGHT_MAP,
            norm=norm,
            interpolation="nearest",
            aspect="auto" if stretched else "equal",
        )
        axes.set_title(f"{title}\n{_sparsity(run):.1%} of weights ≤ {THRESHOLD:g}")
        axes.set_xlabel("unit of the layer below")
        axes.grid(False)
    for axes in grid[:, 0]:
        axes.set_ylabel("unit of the layer above")
    figure.colorbar(image, ax=grid, label="weight", shrink=0.8, extend="both")
    return figure


class HiddenWeights(Figure[list[tuple[list[RunResult], str]]]):
    """Unregularized, L2 and L1 side by side."""

    name = "fig04-weights"
    title = "Hidden weights without regularization, with L2 and with L1"
    article_number = 4

    def measure(self, runs: Runs) -> list[tuple[list[RunResult], str]]:
        """The plain setting, and of each kind of decay the second mildest strength."""
        need_runs(runs)
        chosen = self._chosen(runs)
        if len(chosen) < 3:
            raise NotMeasurableError(
                "It needs runs without decay, with L2 and with L1: name a second experiment "
                "(with), as those of the presets 'l2' and 'l1'."
            )
        _need_hidden(runs)
        need_only(runs, "sweeps of L2 and of L1 alone", L2, L1)
        return chosen

    def draw(self, found: list[tuple[list[RunResult], str]], style: Style) -> Canvas:
        """Three matrices."""
        shown = of_one_seed([replicates for replicates, _ in found])
        panels = [(run, title) for run, (_, title) in zip(shown, found, strict=True)]
        return _draw(panels, style, len(panels))

    def caption(self, found: list[tuple[list[RunResult], str]]) -> str:
        """Sparsity of the three."""
        sets = [replicates for replicates, _ in found]
        shown = of_one_seed(sets)
        shares = [
            f"{_sparsity(run):.1%} ({title})" for run, (_, title) in zip(shown, found, strict=True)
        ]
        return (
            f"{_where(shown)} on one symmetric colour scale. Share of weights of at most "
            f"{THRESHOLD:g} in magnitude: {', '.join(shares)}." + shown_seed_note(shown, sets)
        )

    def _chosen(self, runs: Runs) -> list[tuple[list[RunResult], str]]:
        l2 = [run for run in runs if run.spec.regularization.l1 == 0]
        l1 = [run for run in runs if run.spec.regularization.l2 == 0]
        plain = [replicates for value, replicates in swept(l2, L2) if value == 0]
        chosen = [(plain[0], "no decay")] if plain else []
        for kind, path, symbol in ((l2, L2, "L2, λ₂"), (l1, L1, "L1, λ₁")):
            points = [point for point in swept(kind, path) if point[0] > 0]
            if points:
                value, replicates = points[min(1, len(points) - 1)]
                chosen.append((replicates, f"{symbol} = {value:g}"))
        return chosen


class Weights(Figure[Panels]):
    """The hidden weights of any runs."""

    name = "weights"
    title = "Hidden weights"

    def measure(self, runs: Runs) -> Panels:
        """At most twelve sweep points, or 36 of a grid; one replicate of each."""
        _need_hidden(runs)
        return Panels.of(groups(runs), MOST_PANELS)

    def draw(self, found: Panels, style: Style) -> Canvas:
        """A matrix a sweep point."""
        return _draw(found.shown, style, found.columns)

    def caption(self, found: Panels) -> str:
        """What is shown."""
        runs = [run for run, _ in found.shown]
        shares = [_sparsity(run) for run in runs]
        told = points_note(len(runs), found.total, "GET /v1/runs/{id}/weights has each")
        return (
            f"{_where(runs)} of {told} on one symmetric colour scale; from {min(shares):.1%} to "
            f"{max(shares):.1%} of them are at most {THRESHOLD:g} in magnitude."
            + shown_seed_note(runs, found.sets)
        )
