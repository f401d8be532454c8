"""Test answers without bins: the CORP diagram, risk over coverage, and confusion matrices."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from reglab.core.errors import NotMeasurableError
from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.calibration import answers, together_note
from reglab.core.figures.grouping import (
    Floats,
    Group,
    evenly,
    extreme_note,
    groups,
    need_probabilities,
    need_runs,
    points_note,
)
from reglab.core.figures.lines import equality, key, wrapped_apart
from reglab.core.figures.style import GREY, PALETTE, Style, canvas, sequence
from reglab.core.metrics.confidences import Answers
from reglab.core.metrics.confusion import ClassScores, class_scores, confusion_matrix
from reglab.core.metrics.corp import Band, Corp, consistency_band, corp
from reglab.core.metrics.selective import Selective, selective
from reglab.core.metrics.smooth import smooth_error

# Panels of a figure, and classes of a matrix whose counts can be read.
MOST_PANELS = 6
READABLE = 12
MOST_CLASSES = 200
REST = "the page shows each run"


@dataclass(frozen=True)
class Steps:
    """One sweep point's CORP diagram."""

    group: Group
    corp: Corp
    band: Band
    smooth_ece: float


@dataclass(frozen=True)
class Panels:
    """What is drawn of ``total`` sweep points."""

    shown: list[Steps]
    total: int


def _shown(runs: Runs) -> tuple[list[Group], int]:
    need_runs(runs)
    need_probabilities(runs)
    chosen = groups(runs)
    return evenly(chosen, MOST_PANELS), len(chosen)


def _grid(style: Style, count: int, size: float) -> tuple[Canvas, list[Axes]]:
    columns = min(3, count)
    rows = math.ceil(count / columns)
    figure = canvas(style, size * columns + 0.6, size * rows + 0.3)
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for each in axes[count:]:
        each.set_visible(False)
    return figure, axes


class CorpDiagram(Figure[Panels]):
    """Accuracy as the rising step function of confidence that fits best."""

    name = "corp"
    title = "Reliability without bins (CORP)"

    def measure(self, runs: Runs) -> Panels:
        """Steps and consistency band of at most six sweep points."""
        chosen, total = _shown(runs)
        found = []
        for group in chosen:
            table = Answers.of(*answers(group.runs))
            found.append(Steps(group, corp(table), consistency_band(table), smooth_error(table)))
        return Panels(found, total)

    def draw(self, found: Panels, style: Style) -> Canvas:
        """A panel per sweep point: steps over the band, with the count of answers below."""
        figure, grid = _grid(style, len(found.shown), 3.9)
        titles = wrapped_apart([one.group.label for one in found.shown])
        lowest = min(min(one.corp.lower[0], one.corp.accuracy[0]) for one in found.shown)
        for axes, one, title in zip(grid, found.shown, titles, strict=False):
            equality(axes)
            band = one.band
            axes.fill_between(
                band.confidence, band.low, band.high, color=GREY, alpha=0.22, linewidth=0
            )
            x = np.stack([one.corp.lower, one.corp.upper], axis=1).ravel()
            axes.plot(x, np.repeat(one.corp.accuracy, 2), color=PALETTE[0])
            sizes = 4 + 60 * one.corp.count / one.corp.count.sum()
            axes.scatter(one.corp.confidence, one.corp.accuracy, sizes, color=PALETTE[0])
            axes.set(xlabel="confidence", ylabel="accuracy", title=title)
            axes.set_xlim(max(0.0, lowest - 0.05), 1.02)
            axes.set_ylim(max(0.0, lowest - 0.05), 1.02)
        return figure

    def caption(self, found: Panels) -> str:
        """SmoothECE and miscalibration at the sweep points with least and most of it."""
        sets = [one.group.runs for one in found.shown]
        values = [one.smooth_ece for one in found.shown]
        labels = [one.group.label for one in found.shown]
        at, told = min(extreme_note(labels, values, sets, "least").items())
        best = found.shown[at]
        place = f" at {labels[at]}{told}" if found.total > 1 else ""
        return (
            "Accuracy as the rising step function of confidence that fits best, of "
            f"{points_note(len(found.shown), found.total, REST)}: SmoothECE "
            f"{best.smooth_ece:.3f}, miscalibration {best.corp.miscalibration:.4f}{place}. Areas "
            "of dots: shares of the answers; grey: 95 % consistency band of a calibrated network."
            + together_note(sets)
        )


@dataclass(frozen=True)
class Risks:
    """Risk over coverage of the sweep points that are drawn, of ``total``."""

    rows: list[tuple[Group, Selective]]
    total: int


class RiskCoverage(Figure[Risks]):
    """Errors if only the surest answers are given."""

    name = "risk-coverage"
    title = "Risk over coverage"

    def measure(self, runs: Runs) -> Risks:
        """A curve for each of at most forty sweep points."""
        need_runs(runs)
        need_probabilities(runs)
        chosen = groups(runs)
        shown = evenly(chosen, 40)
        curves = [selective(Answers.of(*answers(group.runs))) for group in shown]
        return Risks(list(zip(shown, curves, strict=True)), len(chosen))

    def draw(self, found: Risks, style: Style) -> Canvas:
        """A curve per sweep point."""
        figure = canvas(style, 7, 5.2)
        axes = figure.subplots()
        colours = sequence(len(found.rows), style.theme)
        for (_, curve), colour in zip(found.rows, colours, strict=True):
            axes.plot(curve.coverage, curve.risk, color=colour, linewidth=1.4)
        axes.set(xlabel="coverage (share of answers given)", ylabel="risk (share of errors)")
        axes.set_xlim(0, 1.01)
        axes.set_ylim(bottom=0)
        if len(found.rows) > 1:
            key(figure, [axes], [group.label for group, _ in found.rows], colours, linewidth=2)
        return figure

    def caption(self, found: Risks) -> str:
        """The least area, and the risk of all answers."""
        sets = [group.runs for group, _ in found.rows]
        labels = [group.label for group, _ in found.rows]
        values = [curve.aurc for _, curve in found.rows]
        at, told = min(extreme_note(labels, values, sets, "least").items())
        curve = found.rows[at][1]
        place = f" at {labels[at]}{told}" if found.total > 1 else ""
        return (
            "Share of errors among the surest answers, of "
            f"{points_note(len(found.rows), found.total, REST)}: area {values[at]:.4f}{place}, of "
            f"which {curve.excess_aurc:.4f} is above the least with a risk of "
            f"{curve.risk[-1]:.3f}. Equal confidences come in random order." + together_note(sets)
        )


@dataclass(frozen=True)
class Matrix:
    """One sweep point's confusion matrix, over all replicates."""

    group: Group
    counts: Floats
    scores: ClassScores


@dataclass(frozen=True)
class Matrices:
    """Those that are drawn of ``total``."""

    shown: list[Matrix]
    total: int


class ConfusionMatrix(Figure[Matrices]):
    """Which classes are taken for which."""

    name = "confusion"
    title = "Confusion matrix"

    def measure(self, runs: Runs) -> Matrices:
        """Counts of the test answers of at most six sweep points."""
        chosen, total = _shown(runs)
        sizes = {run.spec.dataset.n_classes for group in chosen for run in group.runs}
        if max(sizes) > MOST_CLASSES:
            raise NotMeasurableError(
                f"It has a cell per pair of at most {MOST_CLASSES} classes, and here are "
                f"{max(sizes)}."
            )
        found = []
        for group in chosen:
            classes = max(run.spec.dataset.n_classes for run in group.runs)
            predicted = np.concatenate([run.logits().argmax(axis=1) for run in group.runs])
            labels = np.concatenate([run.labels() for run in group.runs])
            counts = confusion_matrix(predicted, labels, classes)
            scores = class_scores(predicted, labels, classes)
            found.append(Matrix(group, counts.astype(np.float64), scores))
        return Matrices(found, total)

    def draw(self, found: Matrices, style: Style) -> Canvas:
        """A panel per sweep point: shade by share of the row, with the counts."""
        figure, grid = _grid(style, len(found.shown), 4.2)
        titles = wrapped_apart([one.group.label for one in found.shown])
        for axes, one, title in zip(grid, found.shown, titles, strict=False):
            rows = one.counts.sum(axis=1, keepdims=True)
            shares = np.divide(one.counts, rows, out=np.zeros_like(one.counts), where=rows > 0)
            axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
            axes.grid(False)
            axes.set(xlabel="answer", ylabel="class", title=title)
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_locator(MaxNLocator(integer=True, nbins=READABLE))
            if len(shares) <= READABLE:
                _write(axes, one.counts, shares)
        return figure

    def caption(self, found: Matrices) -> str:
        """Balanced accuracy and macro F1 of the best sweep point."""
        sets = [one.group.runs for one in found.shown]
        labels = [one.group.label for one in found.shown]
        values = [one.scores.balanced_accuracy for one in found.shown]
        at, told = min(extreme_note(labels, values, sets, "most").items())
        place = f" at {labels[at]}{told}" if found.total > 1 else ""
        return (
            "Test examples by class (rows) and answer (columns), shaded by the share of the row, "
            f"of {points_note(len(found.shown), found.total, REST)}: balanced accuracy "
            f"{values[at]:.1%}, macro F1 {found.shown[at].scores.macro_f1:.3f}{place}."
            + together_note(sets)
        )


def _write(axes: Axes, counts: Floats, shares: Floats) -> None:
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[row, column] > 0.55 else "#1a1a1a"
            axes.text(column, row, f"{count:.0f}", ha="center", va="center", color=colour, size=8)
