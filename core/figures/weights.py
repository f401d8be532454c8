"""Figure 4 and its general form: weight matrices on one symmetric colour scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure as Canvas

from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.grouping import groups, swept
from reglab.core.figures.style import WEIGHT_MAP, Style, canvas
from reglab.core.probes.weights import summarize
from reglab.core.results import RunResult

THRESHOLD = 1e-3


def _hidden_layer(run: RunResult) -> int:
    """The matrix between the first two hidden layers, or the first one of shallower networks."""
    return 1 if len(run.spec.model.hidden) > 1 else 0


def _draw(panels: Sequence[tuple[RunResult, str]], style: Style) -> Canvas:
    figure = canvas(style, 3.6 * len(panels) + 0.8, 3.9)
    layers = [_hidden_layer(run) for run, _ in panels]
    matrices = [run.arrays[f"param.W{k}"] for (run, _), k in zip(panels, layers, strict=True)]
    # The 99.5th percentile: one outlier must not pale all the others.
    limit = max(float(np.percentile(np.abs(matrix), 99.5)) for matrix in matrices) or 1.0
    norm = TwoSlopeNorm(0.0, -limit, limit)
    grid = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, matrix, (_, title), layer in zip(grid, matrices, panels, layers, strict=True):
        image = axes.imshow(matrix.T, cmap=WEIGHT_MAP, norm=norm, interpolation="nearest")
        sparsity = summarize(matrix, layer, THRESHOLD).sparsity
        axes.set_title(f"{title}\n{sparsity:.1%} of weights ≤ {THRESHOLD:g}")
        axes.set_xlabel("unit of the layer below")
        axes.grid(False)
    grid[0].set_ylabel("unit of the layer above")
    figure.colorbar(image, ax=grid, label="weight", shrink=0.8, extend="both")
    return figure


class HiddenWeights(Figure):
    """Unregularized, L2 and L1 side by side."""

    name = "fig04-weights"
    title = "Hidden weights without regularization, with L2 and with L1"
    article_number = 4

    def applies(self, runs: Runs) -> str | None:
        """Needs a run of each kind."""
        if len(self._chosen(runs)) == 3:
            return None
        return (
            "It needs runs without decay, with L2 and with L1: name a second experiment with "
            "?with=ID, as those of the presets 'l2' and 'l1'."
        )

    def draw(self, runs: Runs, style: Style) -> Canvas:
        """Three matrices."""
        return _draw(self._chosen(runs), style)

    def caption(self, runs: Runs) -> str:
        """Sparsity of the three."""
        shares = [
            f"{summarize(run.arrays[f'param.W{k}'], k, THRESHOLD).sparsity:.1%} ({title})"
            for run, title in self._chosen(runs)
            for k in [_hidden_layer(run)]
        ]
        return (
            "Weights between the hidden layers on one symmetric colour scale. Share of weights of "
            f"at most {THRESHOLD:g} in magnitude: {', '.join(shares)}."
        )

    def _chosen(self, runs: Runs) -> list[tuple[RunResult, str]]:
        """The plain run, and of each kind of decay the second mildest strength."""
        l2 = [run for run in runs if run.spec.regularization.l1 == 0]
        l1 = [run for run in runs if run.spec.regularization.l2 == 0]
        chosen = []
        plain = [run for run in l2 if run.spec.regularization.l2 == 0]
        if plain:
            chosen.append((plain[0], "no decay"))
        for kind, path, symbol in (
            (l2, "regularization.l2", "L2, λ₂"),
            (l1, "regularization.l1", "L1, λ₁"),
        ):
            points = [point for point in swept(kind, path) if point[0] > 0]
            if points:
                value, run = points[min(1, len(points) - 1)]
                chosen.append((run, f"{symbol} = {value:g}"))
        return chosen


class Weights(Figure):
    """The hidden weights of any runs."""

    name = "weights"
    title = "Hidden weights"

    def applies(self, runs: Runs) -> str | None:
        """Needs a finished run."""
        return None if runs else "No run has finished yet."

    def draw(self, runs: Runs, style: Style) -> Canvas:
        """At most four sweep points."""
        return _draw([(g.runs[0], g.label) for g in groups(runs)[:4]], style)

    def caption(self, runs: Runs) -> str:
        """What is shown."""
        return "Hidden weights of up to four sweep points on one symmetric colour scale."
