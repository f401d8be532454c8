"""Figures 7 and 8 and their general forms: reliability, confidence on errors, ECE over a sweep."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.grouping import dataset_note, groups, swept
from reglab.core.figures.style import GREY, PALETTE, Style, canvas, sequence
from reglab.core.probes import calibration
from reglab.core.results import RunResult
from reglab.core.spec import CalibrationProbe
from reglab.core.statistics import mean_interval

SMOOTHING = "regularization.label_smoothing"


def _answers(runs: Runs) -> tuple[np.ndarray, np.ndarray]:
    """Confidence of every test answer of all replicates, and whether it is right."""
    found = [calibration.top_label(run.logits(), run.labels()) for run in runs]
    confidence, right = (np.concatenate(part) for part in zip(*found, strict=True))
    return confidence, right


def _table(runs: Runs) -> calibration.Reliability:
    """Reliability of the answers of all replicates together."""
    probe = runs[0].spec.probes.calibration or CalibrationProbe()
    return calibration.reliability(*_answers(runs), probe.bins, probe.binning)


def _together(runs: Runs) -> str:
    return f" Answers of {len(runs)} seeds together." if len(runs) > 1 else ""


def _by_smoothing(runs: Runs) -> list[tuple[float, list[RunResult]]]:
    """All replicates of each epsilon, by rising epsilon."""
    found: dict[float, list[RunResult]] = {}
    for run in runs:
        found.setdefault(run.spec.regularization.label_smoothing, []).append(run)
    return sorted(found.items())


def _equality(axes: Axes) -> None:
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1.2, label="equality")
    axes.set_xlabel("mean confidence")
    axes.set_ylabel("mean accuracy")


def _frame(axes: Axes, tables: Sequence[calibration.Reliability]) -> None:
    lowest = min(min(t.confidence.min(), t.accuracy.min()) for t in tables)
    axes.set_xlim(max(0.0, lowest - 0.05), 1.02)
    axes.set_ylim(max(0.0, lowest - 0.05), 1.02)


class Calibration(Figure):
    """Figure 7: the plain network's confidence on errors, and its reliability."""

    name = "fig07-calibration"
    title = "Confidence on errors, and reliability"
    article_number = 7

    def applies(self, runs: Runs) -> str | None:
        """Needs an image run without label smoothing."""
        plain = [
            run
            for run in runs
            if run.spec.regularization.label_smoothing == 0
            and run.spec.model.loss == "cross_entropy"
        ]
        if not plain:
            return "It needs a run without label smoothing, as in the preset 'label-smoothing'."
        return None

    def draw(self, runs: Runs, style: Style) -> Canvas:
        """Left: CDF of the confidence of wrong answers. Right: reliability."""
        plain = _by_smoothing(runs)[0][1]
        figure = canvas(style, 10, 4.2)
        left, right = figure.subplots(1, 2)
        wrong, share = calibration.confidence_on_errors(*_answers(plain))
        left.step(wrong, share, where="post", color=PALETTE[1])
        left.set(xlim=(0, 1.01), ylim=(0, 1.01))
        left.set_title(f"Confidence on the {len(wrong)} errors")
        left.set_xlabel("confidence of a wrong answer")
        left.set_ylabel("cumulative share of errors")
        table = _table(plain)
        _equality(right)
        right.plot(table.confidence, table.accuracy, "o-", color=PALETTE[0], label="network")
        right.set_title(f"Reliability in {len(table.count)} bins")
        _frame(right, [table])
        right.legend(loc="upper left")
        return figure

    def caption(self, runs: Runs) -> str:
        """How sure the network is when wrong, and its over-confidence."""
        plain = _by_smoothing(runs)[0][1]
        confidence, right = _answers(plain)
        wrong, _ = calibration.confidence_on_errors(confidence, right)
        sure = np.mean(wrong > 0.8) if len(wrong) else 0.0
        table = _table(plain)
        return (
            "Left: cumulative distribution of the confidence of wrong answers on the test set; "
            f"{sure:.0%} of the errors were made with a confidence above 80 %. Right: mean "
            f"accuracy against mean confidence in {len(table.count)} bins; the network is "
            f"over-confident in {np.sum(table.gap > 0)} of them (mean confidence "
            f"{confidence.mean():.1%}, accuracy {right.mean():.1%})."
            + _together(plain)
            + dataset_note(runs, "mnist")
        )


class LabelSmoothing(Figure):
    """Figure 8: reliability and ECE over the smoothing."""

    name = "fig08-label-smoothing"
    title = "Calibration over label smoothing"
    article_number = 8

    def applies(self, runs: Runs) -> str | None:
        """Needs several values of epsilon."""
        if len(swept(runs, SMOOTHING)) > 1:
            return None
        return "It needs several values of label smoothing, as the preset 'label-smoothing'."

    def draw(self, runs: Runs, style: Style) -> Canvas:
        """Left: reliability by epsilon. Right: ECE with its interval, and its minimum."""
        points = _by_smoothing(runs)
        figure = canvas(style, 11, 4.6)
        left, right = figure.subplots(1, 2)
        _equality(left)
        tables = [_table(replicates) for _, replicates in points]
        for (eps, _), table, colour in zip(points, tables, sequence(len(points)), strict=True):
            style_of_line = {"marker": "o", "markersize": 3, "linewidth": 1.2}
            left.plot(
                table.confidence,
                table.accuracy,
                color=colour,
                label=f"ε = {eps:g}",
                **style_of_line,
            )
        left.set_title("Reliability by label smoothing")
        _frame(left, tables)
        left.legend(fontsize=8, loc="upper left")
        values, ece, low, high = self._errors(runs)
        bars = [np.maximum(ece - low, 0), np.maximum(high - ece, 0)]
        right.errorbar(values, ece, bars, fmt="o-", color=PALETTE[0], capsize=2, linewidth=1.4)
        best = int(ece.argmin())
        right.axvline(values[best], color=GREY, linestyle="--", linewidth=1.2)
        right.annotate(
            f"minimum at ε = {values[best]:g}",
            (values[best], high.max()),
            xytext=(6, -4),
            textcoords="offset points",
        )
        right.set_ylim(bottom=0)
        right.set_title("Expected calibration error")
        right.set_xlabel("label smoothing ε")
        right.set_ylabel(f"ECE ({_bars(replicates for _, replicates in points)})")
        return figure

    def caption(self, runs: Runs) -> str:
        """ECE at zero, at its minimum and at the end."""
        values, ece, _, _ = self._errors(runs)
        best = int(ece.argmin())
        return (
            "Left: mean accuracy against mean confidence by label smoothing. Right: expected "
            f"calibration error, {ece[0]:.3f} without smoothing, least ({ece[best]:.3f}) at ε = "
            f"{values[best]:g}, {ece[-1]:.3f} at ε = {values[-1]:g}."
            + _together(_by_smoothing(runs)[0][1])
            + dataset_note(runs, "mnist")
        )

    def _errors(self, runs: Runs) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        rows = [(value, *_mean_ece(replicates)) for value, replicates in _by_smoothing(runs)]
        values, ece, low, high = np.array(rows, np.float64).T
        return values, ece, low, high


def _ece(run: RunResult) -> tuple[float, float, float]:
    """ECE and its interval; taken from the summary, which the probe made with the spec's bins."""
    stored = run.summary.get("calibration")
    if stored:
        return stored["ece"], stored["ece_low"], stored["ece_high"]
    found = calibration.errors(run.logits(), run.labels())
    return found.ece, found.ece_low, found.ece_high


def _mean_ece(replicates: Runs) -> tuple[float, float, float]:
    """Mean ECE with its t interval over seeds; of one run, the bootstrap interval over examples."""
    found = [_ece(run) for run in replicates]
    if len(found) < 2:
        return found[0]
    mean, low, high = mean_interval([ece for ece, _, _ in found])
    return float(mean), float(low), float(high)


def _bars(sets: Iterable[Runs]) -> str:
    replicated = any(len(replicates) > 1 for replicates in sets)
    return "mean, bars: 95 % over seeds" if replicated else "bars: 95 % bootstrap"


class Reliability(Figure):
    """Reliability curves of any runs."""

    name = "reliability"
    title = "Reliability"

    def applies(self, runs: Runs) -> str | None:
        """Needs a finished run that gives probabilities."""
        if not runs:
            return "No run has finished yet."
        squared = any(run.spec.model.loss == "squared" for run in runs)
        return "Networks trained with squared loss give no probabilities." if squared else None

    def draw(self, runs: Runs, style: Style) -> Canvas:
        """A curve a sweep point, at most twelve."""
        figure = canvas(style, 6, 5)
        axes = figure.subplots()
        _equality(axes)
        chosen = groups(runs)[:12]
        tables = [_table(group.runs) for group in chosen]
        for group, table, colour in zip(chosen, tables, sequence(len(chosen)), strict=True):
            axes.plot(table.confidence, table.accuracy, "o-", color=colour, label=group.label, ms=3)
        _frame(axes, tables)
        axes.legend(fontsize=8)
        return figure

    def caption(self, runs: Runs) -> str:
        """What is shown."""
        return "Mean accuracy against mean confidence; below the dashed line is over-confident."


class Ece(Figure):
    """ECE of any runs."""

    name = "ece"
    title = "Expected calibration error"

    def applies(self, runs: Runs) -> str | None:
        """Needs a finished run that gives probabilities."""
        if not runs:
            return "No run has finished yet."
        squared = any(run.spec.model.loss == "squared" for run in runs)
        return "Networks trained with squared loss give no probabilities." if squared else None

    def draw(self, runs: Runs, style: Style) -> Canvas:
        """A bar a sweep point with its interval."""
        chosen = groups(runs)[:40]
        figure = canvas(style, 7, 0.4 * len(chosen) + 1.4)
        axes = figure.subplots()
        found = np.array([_mean_ece(group.runs) for group in chosen])
        bars = np.maximum([found[:, 0] - found[:, 1], found[:, 2] - found[:, 0]], 0)
        at = np.arange(len(chosen))
        axes.barh(at, found[:, 0], xerr=bars, color=PALETTE[0], ecolor=GREY, capsize=2)
        axes.set_yticks(at, [group.label for group in chosen])
        axes.invert_yaxis()
        axes.set_xlabel(f"ECE ({_bars(group.runs for group in chosen)})")
        return figure

    def caption(self, runs: Runs) -> str:
        """What is shown."""
        return "Expected calibration error by sweep point, with 95 % intervals."
