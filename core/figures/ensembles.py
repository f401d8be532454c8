"""Ensembles of seeds against dropout and Monte Carlo dropout, by the number of networks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from reglab.core.errors import NotMeasurableError
from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.grouping import dataset_note, need_only, seeds_of, swept
from reglab.core.figures.style import GREY, PALETTE, Style, canvas
from reglab.core.metrics.averages import scores, scores_by_size
from reglab.core.metrics.predictions import probabilities
from reglab.core.results import RunResult
from reglab.core.results.comparison import differing_test_sets

Floats = NDArray[np.float64]
PANELS = ("Test accuracy", "Test NLL", "Expected calibration error")
SCORES = "mc_dropout.scores"
DROPOUT = "regularization.dropout"


def _p(run: RunResult) -> float:
    return run.spec.regularization.dropout


def ensemble(runs: Runs) -> Floats:
    """Accuracy, NLL and ECE of averages of 1 to M runs, (M, 3).

    For each size the mean over M ensembles: of the runs k, ..., k + size - 1, counted round.
    """
    members = [probabilities(run.logits()) for run in runs]
    labels, wanted = runs[0].labels(), runs[0].spec.probes.binning
    turned = [
        scores_by_size([*members[k:], *members[:k]], labels, wanted.bins, wanted.binning)
        for k in range(len(members))
    ]
    return np.asarray(np.mean(turned, axis=0))


def single(run: RunResult) -> Floats:
    """Accuracy, NLL and ECE of one run, dropout off, (3,)."""
    wanted = run.spec.probes.binning
    p = probabilities(run.logits())
    return np.array(scores(p, run.labels(), wanted.bins, wanted.binning))


@dataclass(frozen=True)
class Averages:
    """Accuracy, NLL and ECE by the number of networks that are averaged.

    Attributes:
        plain: Runs without dropout.
        dropped: Runs with the most dropout.
        tables: By name, ensembles of either, (M, 3).
        mc: Of the single networks of each run with dropout, (R, samples, 3).
        alone: Mean of single runs with dropout, which is off now, (3,).
    """

    plain: list[RunResult]
    dropped: list[RunResult]
    tables: dict[str, Floats]
    mc: Floats
    alone: Floats


class Ensembles(Figure[Averages]):
    """Three panels over the number of averaged networks."""

    name = "ensembles"
    title = "Ensembles, dropout and MC dropout"

    def measure(self, runs: Runs) -> Averages:
        """Several seeds with and without dropout, tested on the same examples."""
        plain, dropped = self._sides(runs)
        used = [*plain, *dropped]
        if not self._fit(plain, dropped) or any(differing_test_sets(used[0], run) for run in used):
            raise NotMeasurableError(
                "It needs several seeds without dropout and with dropout and probes.mc_dropout, "
                "all tested on the same examples, as the preset 'ensembles'."
            )
        need_only(runs, "a sweep of dropout alone", DROPOUT)
        return Averages(
            plain,
            dropped,
            {"ensemble of seeds": ensemble(plain), "ensemble with dropout": ensemble(dropped)},
            np.stack([run.arrays[SCORES] for run in dropped]),
            np.mean([single(run) for run in dropped], axis=0),
        )

    def _fit(self, plain: list[RunResult], dropped: list[RunResult]) -> bool:
        if len(plain) < 2 or len(dropped) < 2 or not all(SCORES in r.arrays for r in dropped):
            return False
        found = [run.arrays[SCORES] for run in dropped]
        return len({each.shape for each in found}) == 1 and all(np.isfinite(e).all() for e in found)

    def draw(self, found: Averages, style: Style) -> Canvas:
        """Accuracy, NLL and ECE."""
        figure = canvas(style, 13, 4.2)
        panels = figure.subplots(1, 3)
        mc = found.mc
        largest = max(mc.shape[1], *(len(table) for table in found.tables.values()))
        ticks = [size for size in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if size <= largest]
        for at, (axes, title) in enumerate(zip(panels, PANELS, strict=True)):
            for (name, table), colour in zip(found.tables.items(), PALETTE, strict=False):
                size = np.arange(1, len(table) + 1)
                axes.plot(size, table[:, at], "o-", color=colour, ms=3, label=name)
            size = np.arange(1, mc.shape[1] + 1)
            axes.plot(size, mc[:, :, at].mean(axis=0), color=PALETTE[2], label="MC dropout")
            low, high = mc[:, :, at].min(axis=0), mc[:, :, at].max(axis=0)
            axes.fill_between(size, low, high, color=PALETTE[2], alpha=0.15, linewidth=0)
            label = "one net, dropout now off"
            axes.axhline(found.alone[at], color=GREY, linestyle="--", label=label)
            axes.set(title=title, xlabel="networks averaged", xscale="log")
            axes.set_xticks(ticks, [f"{size}" for size in ticks])
            axes.minorticks_off()
        panels[1].legend(fontsize=8)
        return figure

    def caption(self, found: Averages) -> str:
        """Scores of one network and of the largest averages."""
        table = found.tables["ensemble of seeds"]
        rows = {
            "one net": table[0],
            f"ensemble of {len(found.plain)}": table[-1],
            f"one net trained with dropout p = {_p(found.dropped[0]):g}": found.alone,
            f"MC dropout of {found.mc.shape[1]}": found.mc[:, -1].mean(axis=0),
        }
        told = "; ".join(
            f"{name}: {row[0]:.1%}, {row[1]:.3f}, {row[2]:.3f}" for name, row in rows.items()
        )
        return (
            "Accuracy, NLL and ECE on the test set by the number of networks whose probabilities "
            f"are averaged: {seeds_of([found.plain])} (mean over the choices of members), "
            f"{seeds_of([found.dropped])} with dropout off, and single networks of one net with "
            "dropout left on (band: lowest to highest seed). Accuracy, NLL, ECE of "
            f"{told}." + dataset_note(found.plain, "mnist")
        )

    def _sides(self, runs: Runs) -> tuple[list[RunResult], list[RunResult]]:
        """Without dropout, and with the most of it."""
        points = swept(runs, DROPOUT)
        plain = [replicates for p, replicates in points if p == 0]
        dropped = [replicates for p, replicates in points if p > 0]
        return (plain[0] if plain else []), (dropped[-1] if dropped else [])
