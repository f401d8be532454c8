"""Figures 7 and 8: confidence on errors, reliability, and calibration over label smoothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from reglab.core.errors import NotMeasurableError
from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.grouping import (
    ENOUGH,
    Floats,
    dataset_note,
    extreme_note,
    groups,
    need_only,
    need_probabilities,
    need_runs,
    points_note,
    seeds_of,
    swept,
)
from reglab.core.figures.lines import equality, key
from reglab.core.figures.style import GREY, PALETTE, Style, canvas, sequence
from reglab.core.metrics import calibration, predictions, reliability
from reglab.core.metrics.calibration_noise import accuracy_bands
from reglab.core.results import RunResult
from reglab.core.results.comparison import shared_binning
from reglab.core.spec import CalibrationProbe
from reglab.core.statistics import mean_interval

SMOOTHING = "regularization.label_smoothing"


def answers(runs: Runs) -> tuple[Floats, Floats]:
    """Confidence of every test answer of all replicates, and whether it is right."""
    found = [predictions.top_label(run.logits(), run.labels()) for run in runs]
    confidence, right = (np.concatenate(part) for part in zip(*found, strict=True))
    return confidence, right


def table_of(runs: Runs, probe: CalibrationProbe) -> reliability.Reliability:
    """Reliability of the answers of all replicates together."""
    return reliability.reliability(*answers(runs), probe.bins, probe.binning)


def together_note(sets: Sequence[Runs]) -> str:
    """A sentence for captions where the answers of replicates are pooled."""
    if max(map(len, sets)) > 1:
        return f" Answers of {seeds_of(sets)} together."
    seeds = {run.seed for runs in sets for run in runs}
    return f" One run of each (seed {seeds.pop()})." if len(seeds) == 1 else ""


def frame_tables(axes: Axes, tables: Sequence[reliability.Reliability]) -> None:
    """Equal limits of both axes around what is shown."""
    lowest = min(min(t.confidence.min(), t.accuracy.min()) for t in tables)
    axes.set_xlim(max(0.0, lowest - 0.05), 1.02)
    axes.set_ylim(max(0.0, lowest - 0.05), 1.02)


ECE_FIELDS = ("ece", "ece_low", "ece_high", "ece_floor", "ece_floor_high")


def _ece(run: RunResult, probe: CalibrationProbe) -> list[float]:
    """ECE_FIELDS of a run; from the summary where the run's own probe has these bins."""
    stored = run.summary.get("calibration") or {}
    known = [stored[name] for name in ECE_FIELDS if stored.get(name) is not None]
    if run.spec.probes.calibration == probe and len(known) == len(ECE_FIELDS):
        return known
    found = calibration.errors(run.logits(), run.labels(), probe.bins, probe.binning)
    return [getattr(found, name) for name in ECE_FIELDS]


@dataclass(frozen=True)
class MeanEce:
    """ECE of a sweep point, mean over its seeds, with an interval where there is one.

    Of one run the interval of its true error over examples; from three seeds on Student's t
    interval over them; of two the ends are NaN.

    Attributes:
        value: The mean.
        low: Lower end of the interval.
        high: Upper end.
        by_seed: The ECE of each seed.
        floor: Mean ECE of calibrated networks with the same confidences.
        floor_high: Mean over seeds of its 95th percentile.
    """

    value: float
    low: float
    high: float
    by_seed: list[float]
    floor: float
    floor_high: float

    @classmethod
    def of(cls, replicates: Runs, probe: CalibrationProbe) -> MeanEce:
        """From the runs of one sweep point."""
        table = np.array([_ece(run, probe) for run in replicates])
        by_seed = table[:, 0].tolist()
        low, high = (float(end) for end in table[0, 1:3])
        if len(by_seed) > 1:
            _, low, high = (float(each) for each in mean_interval(by_seed))
            if len(by_seed) < ENOUGH:
                low = high = np.nan
        return cls(float(np.mean(by_seed)), low, high, by_seed, *table[:, 3:].mean(axis=0).tolist())


FLOOR_NOTE = (
    "grey: what chance gives a calibrated network (dotted its mean, shaded to the 95th percentile)"
)


def draw_floor(axes: Axes, places: Sequence[float], found: Sequence[MeanEce]) -> None:
    """A band up to the ECE that chance gives a calibrated network, and its mean as a line."""
    high, mean = [one.floor_high for one in found], [one.floor for one in found]
    axes.fill_between(places, 0, high, color=GREY, alpha=0.22, linewidth=0)
    axes.plot(places, mean, ":", color=GREY, linewidth=1.2)


def draw_bands(axes: Axes, table: reliability.Reliability) -> None:
    """Where chance puts the accuracies of a calibrated network, bin by bin."""
    low, high = accuracy_bands(table)
    axes.fill_between(table.confidence, low, high, color=GREY, alpha=0.22, linewidth=0)


def error_bars(found: Sequence[MeanEce]) -> Floats:
    """Lengths below and above, (2, N); 0 where there is no interval."""
    ends = [[one.value - one.low, one.high - one.value] for one in found]
    return np.nan_to_num(np.maximum(np.array(ends, np.float64).T, 0))


def bars_name(found: Iterable[MeanEce]) -> str:
    """What the bars are."""
    counts = {len(one.by_seed) for one in found}
    if max(counts) == 1:
        return "bars: 95 %, true error"
    if max(counts) < ENOUGH:
        return "mean, dots: seeds"
    return "mean, bars: 95 % over seeds, dots: seeds"


@dataclass(frozen=True)
class Plain:
    """Replicates without label smoothing, and what they answer."""

    runs: Runs
    confidence: Floats
    right: Floats
    table: reliability.Reliability

    @property
    def wrong(self) -> tuple[Floats, Floats]:
        """Sorted confidences of wrong answers, and cumulative shares."""
        return reliability.confidence_on_errors(self.confidence, self.right)


class Calibration(Figure[Plain]):
    """Figure 7: the plain network's confidence on errors, and its reliability."""

    name = "fig07-calibration"
    title = "Confidence on errors, and reliability"
    article_number = 7

    def measure(self, runs: Runs) -> Plain:
        """The one setting of an image experiment that has no label smoothing."""
        need_runs(runs)
        plain = [
            run
            for run in runs
            if run.spec.regularization.label_smoothing == 0
            and run.spec.model.loss == "cross_entropy"
            and run.spec.dataset.image_shape is not None
        ]
        if not plain:
            raise NotMeasurableError(
                "It needs an image run without label smoothing, as in the preset 'label-smoothing'."
            )
        chosen = groups(plain)
        if len(chosen) > 1:
            raise NotMeasurableError(
                f"It shows one setting without label smoothing, and here are {len(chosen)}; the "
                "figure 'reliability' shows them all."
            )
        replicates = chosen[0].runs
        return Plain(
            replicates, *answers(replicates), table_of(replicates, shared_binning(replicates))
        )

    def draw(self, found: Plain, style: Style) -> Canvas:
        """Left: CDF of the confidence of wrong answers. Right: reliability."""
        figure = canvas(style, 10, 4.2)
        left, right = figure.subplots(1, 2)
        wrong, share = found.wrong
        left.step(wrong, share, where="post", color=PALETTE[1])
        left.set(xlim=(0, 1.01), ylim=(0, 1.01))
        left.set_title(f"Confidence on the {len(wrong)} errors")
        left.set_xlabel("confidence of a wrong answer")
        left.set_ylabel("cumulative share of errors")
        table = found.table
        equality(right)
        draw_bands(right, table)
        right.plot(table.confidence, table.accuracy, "o-", color=PALETTE[0], label="network")
        right.set_title(f"Reliability in {len(table.count)} bins")
        frame_tables(right, [table])
        right.legend(loc="upper left")
        return figure

    def caption(self, found: Plain) -> str:
        """How sure the network is when wrong, and its over-confidence."""
        wrong, _ = found.wrong
        sure = f"{np.mean(wrong > 0.8):.0%} of the errors were made with a confidence above 80%"
        table = found.table
        return (
            "Left: cumulative distribution of the confidence of wrong answers on the test set; "
            f"{sure if len(wrong) else 'there are none'}. Right: mean "
            f"accuracy against mean confidence in {len(table.count)} bins; the network is "
            f"over-confident in {np.sum(table.gap > 0)} of them (mean confidence "
            f"{found.confidence.mean():.1%}, accuracy {found.right.mean():.1%}); "
            "grey: where a calibrated network's accuracies are with a chance of 95 %, bin by bin."
            + together_note([found.runs])
            + dataset_note(found.runs, "mnist")
        )


@dataclass(frozen=True)
class Smoothed:
    """One value of label smoothing."""

    epsilon: float
    runs: Runs
    table: reliability.Reliability
    ece: MeanEce


class LabelSmoothing(Figure[list[Smoothed]]):
    """Figure 8: reliability and ECE over the smoothing."""

    name = "fig08-label-smoothing"
    title = "Calibration over label smoothing"
    article_number = 8

    def measure(self, runs: Runs) -> list[Smoothed]:
        """Reliability and ECE by rising epsilon."""
        need_runs(runs)
        points = swept(runs, SMOOTHING)
        if len(points) < 2:
            raise NotMeasurableError(
                "It needs several values of label smoothing, as the preset 'label-smoothing'."
            )
        need_probabilities(runs)
        need_only(runs, "a sweep of label smoothing alone", SMOOTHING)
        probe = shared_binning(runs)
        return [
            Smoothed(eps, replicates, table_of(replicates, probe), MeanEce.of(replicates, probe))
            for eps, replicates in points
        ]

    def draw(self, found: list[Smoothed], style: Style) -> Canvas:
        """Left: reliability by epsilon. Right: ECE with its interval, and its minimum."""
        figure = canvas(style, 11, 5.2)
        left, right = figure.subplots(1, 2)
        equality(left)
        colours = sequence(len(found), style.theme)
        for one, colour in zip(found, colours, strict=True):
            left.plot(
                one.table.confidence,
                one.table.accuracy,
                color=colour,
                marker="o",
                markersize=3,
                linewidth=1.2,
            )
        left.set_title("Reliability by label smoothing")
        frame_tables(left, [one.table for one in found])
        key(figure, [left], [f"ε = {one.epsilon:g}" for one in found], colours, linewidth=2)
        self._errors(right, found)
        return figure

    def _errors(self, axes: Axes, found: list[Smoothed]) -> None:
        values = [one.epsilon for one in found]
        errors = [one.ece for one in found]
        mean = [one.value for one in errors]
        draw_floor(axes, values, errors)
        look: dict[str, Any] = {"fmt": "o-", "color": PALETTE[0], "capsize": 2, "linewidth": 1.4}
        axes.errorbar(values, mean, error_bars(errors), **look)
        for value, one in zip(values, errors, strict=True):
            if len(one.by_seed) > 1:
                axes.plot([value] * len(one.by_seed), one.by_seed, ".", color=GREY, ms=4)
        best = int(np.argmin(mean))
        axes.axvline(values[best], color=GREY, linestyle="--", linewidth=1.2)
        top = max(np.nanmax([one.value, one.high, *one.by_seed]) for one in errors)
        axes.annotate(
            f"minimum at ε = {values[best]:g}",
            (values[best], top),
            xytext=(6, -4),
            textcoords="offset points",
        )
        axes.set_ylim(bottom=0)
        axes.set_title("Expected calibration error")
        axes.set_xlabel("label smoothing ε")
        axes.set_ylabel(f"ECE ({bars_name(errors)})")

    def caption(self, found: list[Smoothed]) -> str:
        """ECE at the least smoothing, at its minimum and at the end."""
        ece = [one.ece.value for one in found]
        sets = [one.runs for one in found]
        labels = [f"ε = {one.epsilon:g}" for one in found]
        least = extreme_note(labels, ece, sets, "least")
        ends = ", ".join(
            f"{ece[at]:.3f} at {labels[at]}{least.get(at, '')}"
            for at in sorted({0, min(least), len(found) - 1})
        )
        told = points_note(len(found), len(found), "")
        return (
            f"Left: mean accuracy against mean confidence by label smoothing, {told}. Right: "
            f"expected calibration error, {ends}; {FLOOR_NOTE}."
            + together_note(sets)
            + dataset_note(found[0].runs, "mnist")
        )
