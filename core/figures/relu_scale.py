"""Rescaling of layers, and how weight decay balances them."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from reglab.core.claims.laws import decayed, imbalance, is_plain_descent, law_deviation
from reglab.core.errors import NotMeasurableError
from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.grouping import distinct, groups, need_only, seeds_of
from reglab.core.figures.style import GREY, PALETTE, Style, canvas, sequence
from reglab.core.results import RunResult

L2 = "regularization.l2"


def _l2(run: RunResult) -> float:
    return run.spec.regularization.l2


class ReluScale(Figure[list[RunResult]]):
    """Imbalance of two layers over time, and change of the outputs by rescaling."""

    name = "relu-scale"
    title = "Scale invariance of ReLU networks under weight decay"

    def measure(self, runs: Runs) -> list[RunResult]:
        """ReLU and tanh runs with a norms probe, the former without and with L2."""
        used = [*_kind(runs, "relu"), *_kind(runs, "tanh")]
        strengths = {_l2(run) for run in _kind(runs, "relu")}
        if 0.0 not in strengths or len(strengths) < 2:
            raise NotMeasurableError(
                "It needs ReLU networks with one hidden layer, SGD and probes.norms, without and "
                "with regularization.l2, as the preset 'relu-scale'."
            )
        need_only(used, "a sweep of L2 with two activations", L2, "model.activation")
        if not all(np.isfinite(law_deviation(run)) for run in used):
            raise NotMeasurableError("Two layers start equally large: there is no law to compare.")
        return distinct(used)

    def draw(self, runs: list[RunResult], style: Style) -> Canvas:
        """Left: ReLU. Middle: the same of tanh. Right: change of outputs by factor."""
        figure = canvas(style, 13, 4.2)
        left, middle, right = figure.subplots(1, 3)
        self._over_time(left, _kind(runs, "relu"), "ReLU", style)
        self._over_time(middle, _kind(runs, "tanh"), "tanh", style)
        for kind, name, colour in (("relu", "ReLU", 0), ("tanh", "tanh", 1)):
            for at, run in enumerate(_kind(runs, kind)):
                factors, change = run.arrays["norms.factors"], run.arrays["norms.change"]
                shown = np.maximum(change, 1e-9)
                label = name if at == 0 else None
                right.plot(factors, shown, "o-", color=PALETTE[colour], ms=3, lw=0.8, label=label)
        right.set(
            xscale="log", yscale="log", xlabel="factor c of the first layer, 1/c of the second"
        )
        right.set_title("Relative change of the outputs")
        right.legend()
        return figure

    def _over_time(self, axes: Axes, runs: Runs, name: str, style: Style) -> None:
        strengths = sorted({_l2(run) for run in runs})
        few = len(strengths) <= len(PALETTE)
        colours = PALETTE[: len(strengths)] if few else sequence(len(strengths), style.theme)
        for l2, colour in zip(strengths, colours, strict=True):
            for at, run in enumerate(each for each in runs if _l2(each) == l2):
                label = f"λ₂ = {l2:g}" if at == 0 else None
                steps = run.arrays["norms.steps"]
                axes.plot(steps, imbalance(run), color=colour, label=label, linewidth=1.2)
                axes.plot(steps, decayed(run), color=GREY, linestyle="--", linewidth=1)
        axes.plot([], [], color=GREY, linestyle="--", label="exp(-2 λ₂ Σ η)")
        axes.set(title=f"{name}: |W₀|² + |b₀|² - |W₁|²", xlabel="step")
        axes.legend(fontsize=8, ncols=1 + len(strengths) // 8)

    def caption(self, runs: list[RunResult]) -> str:
        """Deviation from the law, and change of the outputs."""
        told = []
        sets = [group.runs for group in groups(runs)]
        for kind, name in (("relu", "ReLU"), ("tanh", "tanh")):
            chosen = _kind(runs, kind)
            if chosen:
                worst = max(law_deviation(run) for run in chosen)
                change = max(float(run.arrays["norms.change"].max()) for run in chosen)
                told.append(f"{name}: {worst:.1%} and {change:.1g}")
        return (
            "Left and middle: how much larger the first layer's squared norm is than the second's, "
            "over training; dashed: without decay constant, with decay falling as exp(-2 λ₂ Σ η), "
            "which holds for ReLU. Right: relative change of the outputs if the first layer is "
            "multiplied by c and the second by 1/c. Largest deviation from the law, as a share of "
            f"the start, and largest change, over {seeds_of(sets)}: {'; '.join(told)}."
        )


def _kind(runs: Runs, activation: str) -> list[RunResult]:
    return [
        run
        for run in runs
        if run.spec.model.activation == activation
        and len(run.spec.model.hidden) == 1
        and is_plain_descent(run.spec)
        and "norms.weights" in run.arrays
    ]
