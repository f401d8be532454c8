"""Ensembles of seeds against dropout and Monte Carlo dropout, by the number of networks."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray
from scipy.special import softmax

from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.grouping import dataset_note
from reglab.core.figures.style import GREY, PALETTE, Style, canvas
from reglab.core.probes.mc_dropout import scores, scores_by_size
from reglab.core.results import RunResult
from reglab.core.spec import CalibrationProbe

Floats = NDArray[np.float64]
PANELS = ("Test accuracy", "Test NLL", "Expected calibration error")
SCORES = "mc_dropout.scores"


def _p(run: RunResult) -> float:
    return run.spec.regularization.dropout


def _bins(run: RunResult) -> CalibrationProbe:
    return run.spec.probes.calibration or CalibrationProbe()


def probabilities(run: RunResult) -> Floats:
    """Class probabilities on the test set, dropout off, (N, K)."""
    return np.asarray(softmax(run.logits().astype(np.float64), axis=1))


def ensemble(runs: Runs) -> Floats:
    """Accuracy, NLL and ECE of averages of 1 to M runs, (M, 3).

    For each size the mean over M ensembles: of the runs k, ..., k + size - 1, counted round.
    """
    members = [probabilities(run) for run in runs]
    labels, wanted = runs[0].labels(), _bins(runs[0])
    turned = [
        scores_by_size([*members[k:], *members[:k]], labels, wanted.bins, wanted.binning)
        for k in range(len(members))
    ]
    return np.asarray(np.mean(turned, axis=0))


def single(run: RunResult) -> Floats:
    """Accuracy, NLL and ECE of one run, dropout off, (3,)."""
    wanted = _bins(run)
    return np.array(scores(probabilities(run), run.labels(), wanted.bins, wanted.binning))


class Ensembles(Figure):
    """Three panels over the number of averaged networks."""

    name = "ensembles"
    title = "Ensembles, dropout and MC dropout"

    def applies(self, runs: Runs) -> str | None:
        """Needs several seeds with and without dropout, tested on the same examples."""
        plain, dropped = self._sides(runs)
        enough = len(plain) > 1 and len(dropped) > 1 and all(SCORES in r.arrays for r in dropped)
        if enough and all(np.array_equal(r.labels(), runs[0].labels()) for r in runs):
            return None
        return (
            "It needs several seeds without dropout and with dropout and probes.mc_dropout, all "
            "tested on the same examples, as the preset 'ensembles'."
        )

    def draw(self, runs: Runs, style: Style) -> Canvas:
        """Accuracy, NLL and ECE."""
        plain, dropped = self._sides(runs)
        figure = canvas(style, 13, 4.2)
        panels = figure.subplots(1, 3)
        mc = np.stack([run.arrays[SCORES] for run in dropped])
        alone = np.mean([single(run) for run in dropped], axis=0)
        lines = (
            ("ensemble of seeds", ensemble(plain)),
            ("ensemble with dropout", ensemble(dropped)),
        )
        for at, (axes, title) in enumerate(zip(panels, PANELS, strict=True)):
            for (name, table), colour in zip(lines, PALETTE, strict=False):
                size = np.arange(1, len(table) + 1)
                axes.plot(size, table[:, at], "o-", color=colour, ms=3, label=name)
            size = np.arange(1, mc.shape[1] + 1)
            axes.plot(size, mc[:, :, at].mean(axis=0), color=PALETTE[2], label="MC dropout")
            low, high = mc[:, :, at].min(axis=0), mc[:, :, at].max(axis=0)
            axes.fill_between(size, low, high, color=PALETTE[2], alpha=0.15, linewidth=0)
            axes.axhline(alone[at], color=GREY, linestyle="--", label="one net, dropout now off")
            axes.set(title=title, xlabel="networks averaged", xscale="log")
            axes.set_xticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
            axes.minorticks_off()
        panels[1].legend(fontsize=8)
        return figure

    def caption(self, runs: Runs) -> str:
        """Scores of one network and of the largest averages."""
        plain, dropped = self._sides(runs)
        mc = np.mean([run.arrays[SCORES][-1] for run in dropped], axis=0)
        table = ensemble(plain)
        rows = {
            "one net": table[0],
            f"ensemble of {len(plain)}": table[-1],
            f"one net trained with dropout p = {_p(dropped[0]):g}": np.mean(
                [single(run) for run in dropped], axis=0
            ),
            f"MC dropout of {len(dropped[0].arrays[SCORES])}": mc,
        }
        told = "; ".join(
            f"{name}: {row[0]:.1%}, {row[1]:.3f}, {row[2]:.3f}" for name, row in rows.items()
        )
        return (
            "Accuracy, NLL and ECE on the test set by the number of networks whose probabilities "
            "are averaged: independent seeds (mean over the choices of members), seeds with "
            "dropout off, and single networks of one net with dropout left on (band: lowest to "
            f"highest seed). Accuracy, NLL, ECE of {told}." + dataset_note(runs, "mnist")
        )

    def _sides(self, runs: Runs) -> tuple[list[RunResult], list[RunResult]]:
        rates = sorted({_p(run) for run in runs})
        top = rates[-1] if rates and rates[-1] > 0 else None
        return [run for run in runs if _p(run) == 0], [run for run in runs if _p(run) == top]
