"""Temperature scaling, fitted on a validation split, against label smoothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.calibration import SMOOTHING
from reglab.core.figures.decay_methods import by_strength, plot_strengths
from reglab.core.figures.grouping import dataset_note, swept
from reglab.core.figures.style import GREY, PALETTE, Style, canvas
from reglab.core.probes import calibration
from reglab.core.probes.temperature import fit_temperature, nll
from reglab.core.results import RunResult
from reglab.core.spec import CalibrationProbe


def _eps(run: RunResult) -> float:
    return run.spec.regularization.label_smoothing


def temperature(run: RunResult) -> float:
    """T of least NLL on the run's validation logits; no test example takes part."""
    labels = np.asarray(run.arrays["validation.labels"], np.int64)
    return fit_temperature(run.arrays["validation.logits"], labels)


def validation_nll(run: RunResult) -> float:
    """NLL on the validation split as trained, nats."""
    labels = np.asarray(run.arrays["validation.labels"], np.int64)
    return nll(run.arrays["validation.logits"], labels)


@dataclass(frozen=True)
class Calibrated:
    """Test logits of a run, as trained (T = 1) or scaled."""

    run: RunResult
    t: float

    @property
    def logits(self) -> NDArray[np.float32]:
        """(N, K) float32."""
        return (self.run.logits() / self.t).astype(np.float32)

    def table(self) -> calibration.Reliability:
        """Reliability in the run's bins."""
        probe = self.run.spec.probes.calibration or CalibrationProbe()
        confidence, right = calibration.top_label(self.logits, self.run.labels())
        return calibration.reliability(confidence, right, probe.bins, probe.binning)

    def ece(self) -> float:
        """Expected calibration error."""
        return calibration.expected_error(self.table())

    def nll(self) -> float:
        """Negative log-likelihood, nats."""
        return nll(self.logits, self.run.labels())


def _measured(measure: Callable[[Calibrated], float], scaled: bool, run: RunResult) -> float:
    return measure(Calibrated(run, temperature(run) if scaled else 1.0))


def best_smoothing(runs: Runs) -> float:
    """The epsilon above zero of the least mean NLL on the validation split."""
    values, found = by_strength([run for run in runs if _eps(run)], _eps, validation_nll)
    return float(values[int(np.argmin([each.mean() for each in found]))])


class TemperatureScaling(Figure):
    """Reliability, ECE and NLL, as trained and scaled."""

    name = "temperature-scaling"
    title = "Temperature scaling against label smoothing"

    def applies(self, runs: Runs) -> str | None:
        """Needs validation logits for several epsilons, zero among them."""
        values = [value for value, _ in swept(runs, SMOOTHING)]
        if len(values) > 1 and 0.0 in values and all("validation.logits" in r.arrays for r in runs):
            return None
        return (
            "It needs runs with a temperature probe, without label smoothing and with several "
            "values of it, as the preset 'temperature-scaling'."
        )

    def draw(self, runs: Runs, style: Style) -> Canvas:
        """Left: reliability of three nets. Middle: ECE. Right: NLL, both over epsilon."""
        figure = canvas(style, 13, 4.2)
        left, middle, right = figure.subplots(1, 3)
        left.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1.2)
        tables = []
        for (name, net), colour in zip(self._shown(runs).items(), PALETTE, strict=False):
            table = net.table()
            left.plot(table.confidence, table.accuracy, "o-", color=colour, ms=3, label=name)
            tables.append(table)
        low = min(float(min(t.confidence.min(), t.accuracy.min())) for t in tables)
        left.set(xlim=(low - 0.03, 1.02), ylim=(low - 0.03, 1.02), title="Reliability")
        left.set(xlabel="mean confidence", ylabel="mean accuracy")
        left.legend(fontsize=8)
        for name, scaled, shade in (("as trained", False, 0), ("temperature scaled", True, 1)):
            for axes, measure in ((middle, Calibrated.ece), (right, Calibrated.nll)):
                found = by_strength(runs, _eps, partial(_measured, measure, scaled))
                plot_strengths(axes, *found, PALETTE[shade], name)
        for axes, title in ((middle, "Expected calibration error"), (right, "Test NLL")):
            axes.set(title=title, xlabel="label smoothing ε")
            axes.axvline(best_smoothing(runs), color=GREY, linestyle=":", label="ε by validation")
        middle.set_ylim(bottom=0)
        middle.legend(fontsize=8, loc="upper center")
        return figure

    def caption(self, runs: Runs) -> str:
        """ECE and NLL of the three nets, mean over seeds."""
        plain = [run for run in runs if _eps(run) == 0]
        eps = best_smoothing(runs)
        smoothed = [run for run in runs if _eps(run) == eps]
        rows = {
            "as trained": [Calibrated(run, 1.0) for run in plain],
            f"T = {np.mean([temperature(run) for run in plain]):.2f}": [
                Calibrated(run, temperature(run)) for run in plain
            ],
            f"ε = {eps:g}": [Calibrated(run, 1.0) for run in smoothed],
        }
        told = ", ".join(
            f"{name}: {np.mean([net.ece() for net in nets]):.3f} and "
            f"{np.mean([net.nll() for net in nets]):.3f}"
            for name, nets in rows.items()
        )
        return (
            "Left: reliability without smoothing, the same net with its temperature, and with "
            "smoothing. Middle and right: calibration error and NLL on the test set over ε, as "
            "trained and temperature scaled, mean and single seeds. T was fitted, and ε chosen, by "
            "NLL on images held out of training; no test image took part. ECE and NLL: "
            f"{told}." + dataset_note(runs, "mnist")
        )

    def _shown(self, runs: Runs) -> dict[str, Calibrated]:
        plain, eps = swept(runs, SMOOTHING)[0][1], best_smoothing(runs)
        smoothed = next(run for value, run in swept(runs, SMOOTHING) if value == eps)
        t = temperature(plain)
        return {
            "ε = 0": Calibrated(plain, 1.0),
            f"ε = 0, T = {t:.2f}": Calibrated(plain, t),
            f"ε = {eps:g}": Calibrated(smoothed, 1.0),
        }
