"""The error of a linear model along principal components against its closed form."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure as Canvas

from reglab.core.claims.laws import closed_form, deviation, follows_closed_form
from reglab.core.errors import NotMeasurableError
from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.grouping import dataset_note, distinct, need_only, seeds_of
from reglab.core.figures.style import GREY, PALETTE, Style, canvas, sequence, time_map, time_norm
from reglab.core.results import RunResult

RANKS = (1, 2, 5, 10, 20, 50, 100, 200)
TIMES = 6


class LinearSpectrum(Figure[list[RunResult]]):
    """Error by component over time, measured and from the closed form."""

    name = "linear-spectrum"
    title = "Error of a linear model by principal component"

    def measure(self, runs: Runs) -> list[RunResult]:
        """The replicates of a linear model with a components probe."""
        usable = [run for run in runs if _usable(run)]
        if not usable:
            raise NotMeasurableError(
                "It needs a linear model with squared loss, centred inputs, full-batch SGD at a "
                "constant rate, no regularizer and probes.components, as the preset "
                "'linear-spectrum'."
            )
        need_only(usable, "one setting")
        if not np.all([run.arrays["components.error"][0] > 0 for run in usable]):
            raise NotMeasurableError("A component has no error at the start to take a share of.")
        return distinct(usable)

    def draw(self, runs: list[RunResult], style: Style) -> Canvas:
        """Left: over time by component. Middle: over rank by time. Right: losses."""
        run = runs[0]
        figure = canvas(style, 13.5, 4.3)
        left, middle, right = figure.subplots(1, 3)
        epochs, found = run.arrays["components.epochs"], run.arrays["components.error"]
        share, expected = found / found[0], closed_form(run) / found[0]
        ranks = [rank for rank in RANKS if rank <= found.shape[1]]
        for k, colour in zip(ranks, sequence(len(ranks), style.theme), strict=True):
            left.plot(epochs[1:], expected[1:, k - 1], color=colour, linewidth=1.2)
            left.plot(epochs[1:], share[1:, k - 1], "o", color=colour, ms=3, label=f"k = {k}")
        left.set(xscale="log", yscale="log", ylim=(3e-4, 2), xlabel="step t")
        left.set(title="Error along component k", ylabel="share of the error at the start")
        left.set_xlim(0.8, 40 * epochs[-1])
        left.legend(fontsize=8, loc="lower right")
        norm = time_norm(1, float(epochs[-1]))
        for at in np.unique(np.linspace(1, len(epochs) - 1, TIMES).astype(int)):
            colour = time_map(style.theme)(norm(epochs[at]))
            rank = np.arange(1, share.shape[1] + 1)
            middle.plot(rank, expected[at], color=colour, linewidth=1.2)
            some = np.unique(np.geomspace(1, len(rank), 30).astype(int)) - 1
            middle.plot(
                rank[some], share[at, some], "o", color=colour, ms=3, label=f"t = {epochs[at]}"
            )
        middle.set(xscale="log", xlabel="rank k", title="What is left to learn", ylim=(-0.03, 1.2))
        middle.legend(fontsize=8, ncols=2, loc="upper left")
        for metric, name, colour in (("train_loss", "train", 0), ("test_loss", "test", 1)):
            shown = run.curves["epoch"] > 0
            x, y = run.curves["epoch"][shown], run.curves[metric][shown]
            right.plot(x, y, color=PALETTE[colour], label=name)
        least = int(run.curves["test_loss"].argmin())
        right.axvline(
            run.curves["epoch"][least], color=GREY, linestyle="--", label="least test loss"
        )
        right.set(xscale="log", xlabel="step t", title="Squared loss")
        right.legend()
        return figure

    def caption(self, runs: list[RunResult]) -> str:
        """Largest deviation from the closed form over all runs."""
        run = runs[0]
        worst = max(deviation(each) for each in runs)
        eigenvalues = run.arrays["components.eigenvalues"]
        return (
            "Error of a linear model along the principal components of its training data: points "
            "as trained in float32, lines |1 - η λₖ|ᵗ. Left: over time. Middle: over the rank, "
            "from early (red) to late (blue). Right: losses. Largest relative deviation over "
            f"{seeds_of([runs])}, {len(eigenvalues)} components and all times, where more than a "
            f"thousandth of the error is left: {worst:.2%}. Drawn: seed {run.seed}."
            + dataset_note(runs, "mnist")
        )


def _usable(run: RunResult) -> bool:
    return "components.error" in run.arrays and follows_closed_form(run)
