"""Temperature scaling, fitted on a validation split, against label smoothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from reglab.core.errors import NotMeasurableError
from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.calibration import SMOOTHING, frame_tables
from reglab.core.figures.decay_methods import by_strength, plot_strengths
from reglab.core.figures.grouping import dataset_note, mean_note, need_only, swept
from reglab.core.figures.lines import equality
from reglab.core.figures.style import GREY, PALETTE, Style, canvas
from reglab.core.metrics import reliability
from reglab.core.metrics.predictions import mean_nll
from reglab.core.metrics.temperature import fit_temperature, scaled
from reglab.core.results import RunResult


def _eps(run: RunResult) -> float:
    return run.spec.regularization.label_smoothing


def validation_nll(run: RunResult) -> float:
    """NLL on the validation split as trained, nats."""
    return mean_nll(*run.validation())


@dataclass(frozen=True)
class Calibrated:
    """Test logits of a run, as trained (T = 1) or scaled."""

    run: RunResult
    t: float

    @property
    def logits(self) -> NDArray[np.float32]:
        """(N, K) float32."""
        return scaled(self.run.logits(), self.t)

    def table(self) -> reliability.Reliability:
        """Reliability in the run's bins."""
        probe = self.run.spec.probes.binning
        return reliability.table_of(self.logits, self.run.labels(), probe.bins, probe.binning)

    def ece(self) -> float:
        """Expected calibration error."""
        return reliability.expected_error(self.table())

    def nll(self) -> float:
        """Negative log-likelihood, nats."""
        return mean_nll(self.logits, self.run.labels())


def best_smoothing(runs: Runs) -> float:
    """The epsilon above zero of the least mean NLL on the validation split."""
    values, found = by_strength([run for run in runs if _eps(run)], _eps, validation_nll)
    return float(values[int(np.argmin([each.mean() for each in found]))])


@dataclass(frozen=True)
class Scaling:
    """What temperatures do to the replicates of each epsilon.

    Attributes:
        points: As trained, by rising epsilon.
        scaled: The same with their temperatures.
        best: The epsilon above zero that the validation split chooses.
    """

    points: list[tuple[float, list[Calibrated]]]
    scaled: list[tuple[float, list[Calibrated]]]
    best: float

    def at(self, epsilon: float, scaled: bool = False) -> list[Calibrated]:
        """The replicates of one epsilon."""
        return dict(self.scaled if scaled else self.points)[epsilon]


class TemperatureScaling(Figure[Scaling]):
    """Reliability, ECE and NLL, as trained and scaled."""

    name = "temperature-scaling"
    title = "Temperature scaling against label smoothing"

    def measure(self, runs: Runs) -> Scaling:
        """Temperatures of runs with validation logits for several epsilons, zero among them."""
        points = swept(runs, SMOOTHING)
        values = [value for value, _ in points]
        logits = all("validation.logits" in run.arrays for run in runs)
        if not (len(values) > 1 and 0.0 in values and logits):
            raise NotMeasurableError(
                "It needs runs with a temperature probe, without label smoothing and with several "
                "values of it, as the preset 'temperature-scaling'."
            )
        need_only(runs, "a sweep of label smoothing alone", SMOOTHING)
        trained = [(value, [Calibrated(run, 1.0) for run in found]) for value, found in points]
        # No test example takes part in the fit.
        cooled = [
            (value, [Calibrated(net.run, fit_temperature(*net.run.validation())) for net in nets])
            for value, nets in trained
        ]
        best = best_smoothing([run for _, found in points for run in found])
        return Scaling(trained, cooled, best)

    def draw(self, found: Scaling, style: Style) -> Canvas:
        """Left: reliability of three nets. Middle: ECE. Right: NLL, both over epsilon."""
        figure = canvas(style, 13, 4.2)
        left, middle, right = figure.subplots(1, 3)
        equality(left)
        tables = []
        for (name, net), colour in zip(self._shown(found).items(), PALETTE, strict=False):
            table = net.table()
            left.plot(table.confidence, table.accuracy, "o-", color=colour, ms=3, label=name)
            tables.append(table)
        frame_tables(left, tables)
        left.set(title="Reliability")
        left.legend(fontsize=8)
        for name, side, shade in (("as trained", found.points, 0), ("scaled", found.scaled, 1)):
            values = np.array([value for value, _ in side])
            for axes, measure in ((middle, Calibrated.ece), (right, Calibrated.nll)):
                measured = [np.array([measure(net) for net in nets]) for _, nets in side]
                plot_strengths(axes, values, measured, PALETTE[shade], name)
        for axes, title in ((middle, "Expected calibration error"), (right, "Test NLL")):
            axes.set(title=title, xlabel="label smoothing ε")
            axes.axvline(found.best, color=GREY, linestyle=":", label="ε by validation")
        middle.set_ylim(bottom=0)
        middle.legend(fontsize=8, loc="upper center")
        return figure

    def caption(self, found: Scaling) -> str:
        """ECE and NLL of the three nets, mean over seeds."""
        plain, scaled = found.at(0.0), found.at(0.0, scaled=True)
        rows = {
            "as trained": plain,
            f"T = {np.mean([net.t for net in scaled]):.2f}": scaled,
            f"ε = {found.best:g}": found.at(found.best),
        }
        told = ", ".join(
            f"{name}: {np.mean([net.ece() for net in nets]):.3f} and "
            f"{np.mean([net.nll() for net in nets]):.3f}"
            for name, nets in rows.items()
        )
        sets = [[net.run for net in nets] for _, nets in found.points]
        return (
            "Left: reliability without smoothing, the same net with its temperature, and with "
            "smoothing. Middle and right: calibration error and NLL on the test set over ε, as "
            "trained and temperature scaled, mean and single seeds. T was fitted, and ε chosen, by "
            "NLL on examples held out of training; no test example took part. ECE and NLL"
            f"{mean_note(sets)}: {told}."
            + f" Left: seed {plain[0].run.seed}."
            + dataset_note(sets[0], "mnist")
        )

    def _shown(self, found: Scaling) -> dict[str, Calibrated]:
        scaled = found.at(0.0, scaled=True)[0]
        return {
            "ε = 0": found.at(0.0)[0],
            f"ε = 0, T = {scaled.t:.2f}": scaled,
            f"ε = {found.best:g}": found.at(found.best)[0],
        }
