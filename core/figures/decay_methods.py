"""Two ways of the same decay: Adam + L2 against AdamW, and L1 by subgradients against proximal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from reglab.core.errors import NotMeasurableError
from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.grouping import (
    dataset_note,
    distinct,
    loss_name,
    mean_note,
    need_only,
)
from reglab.core.figures.style import GREY, PALETTE, Style, canvas, plain
from reglab.core.metrics.weights import share_up_to
from reglab.core.results import RunResult

Floats = NDArray[np.float64]
L1 = "regularization.l1"
Measure = Callable[[RunResult], float]


def by_strength(
    runs: Runs, strength: Callable[[RunResult], float], measure: Measure
) -> tuple[Floats, list[Floats]]:
    """Rising strengths (S,), and for each the measure of its replicates (R,)."""
    found: dict[float, list[float]] = {}
    for run in runs:
        found.setdefault(strength(run), []).append(measure(run))
    values = sorted(found)
    return np.array(values), [np.array(found[value]) for value in values]


def plot_strengths(
    axes: Axes,
    values: Floats,
    replicates: Sequence[Floats],
    colour: str,
    name: str,
    line: str = "-",
) -> None:
    """A line through the means, a point a replicate."""
    axes.plot(values, [r.mean() for r in replicates], line, color=colour, label=name)
    for value, each in zip(values, replicates, strict=True):
        axes.plot(np.full(len(each), value), each, "o", color=colour, ms=3, alpha=0.7)


def _l2(run: RunResult) -> float:
    return run.spec.regularization.l2


def _l1(run: RunResult) -> float:
    return run.spec.regularization.l1


def _test_loss(run: RunResult) -> float:
    return run.ending("test_loss")


class DecoupledDecay(Figure[list[RunResult]]):
    """Test loss over lambda, and where the first layer's weights are left."""

    name = "adamw"
    title = "Adam + L2 against AdamW"

    def measure(self, runs: Runs) -> list[RunResult]:
        """Adam runs on images, coupled and decoupled, without decay and with several lambdas."""
        kinds = [side for _, side in _sides(runs) if any(_l2(run) for run in side)]
        plain = any(not _l2(run) for _, side in _sides(runs) for run in side)
        several = len({_l2(run) for run in runs}) > 2
        if len(kinds) < 2 or not plain or not several or not _all_images(runs):
            raise NotMeasurableError(
                "It needs image runs of Adam without decay and with several regularization.l2, "
                "both with optimizer.decoupled and without, as the preset 'adamw'."
            )
        need_only(runs, "a sweep of L2 in both ways", "regularization.l2", "optimizer.decoupled")
        return distinct(runs)

    def draw(self, runs: list[RunResult], style: Style) -> Canvas:
        """Left: test loss. Right: RMS of the weights that leave each pixel, at the best lambda."""
        figure = canvas(style, 12, 3.9)
        axes = figure.subplots(1, 4, width_ratios=(1.9, 1, 1, 1))
        for (name, side), colour in zip(_sides(runs), PALETTE, strict=False):
            values, losses = by_strength([r for r in side if _l2(r)], _l2, _test_loss)
            plot_strengths(axes[0], values, losses, colour, name)
        none = np.mean([_test_loss(run) for run in runs if not _l2(run)])
        axes[0].axhline(none, color=GREY, linestyle="--", label="no decay")
        axes[0].set(xscale="log", xlabel="weight decay λ₂", ylabel=f"test {loss_name(runs)}")
        axes[0].set_title("Test loss at the end")
        axes[0].legend()
        shown = self._shown(runs)
        images = [_pixel_rms(run) for _, run in shown]
        # The root shows small weights, which matter here: zero is black, and nothing else is.
        norm = PowerNorm(0.5, 0, max(float(image.max()) for image in images))
        for panel, image, (title, _) in zip(axes[1:], images, shown, strict=True):
            drawn = panel.imshow(image, cmap="magma", norm=norm)
            panel.set_title(title, fontsize=10)
            plain(panel)
        figure.colorbar(drawn, ax=axes[1:], label="RMS of a pixel's weights", shrink=0.75)
        return figure

    def caption(self, runs: list[RunResult]) -> str:
        """Best lambdas, and weights of pixels that see no data."""
        told = []
        for title, run in self._shown(runs)[1:]:
            same = [r for r in runs if (_l2(r), _decoupled(r)) == (_l2(run), _decoupled(run))]
            loss = np.mean([_test_loss(each) for each in same])
            told.append(f"{title.replace(chr(10), ' ')}: test loss {loss:.3f}{mean_note([same])}")
        return (
            "Left: test loss over the strength of weight decay, mean and single seeds. Right: root "
            "mean square of the first layer's weights by pixel, without decay and at the best λ₂ "
            f"of either kind ({'; '.join(told)}). For a pixel that is always zero, "
            "the gradient of Adam + L2 consists of decay only and is scaled up until the weights "
            "are zero; with decoupled decay, all weights decay at the same rate λ₂. "
            f"Right: seed {self._shown(runs)[0][1].seed}." + dataset_note(runs, "mnist")
        )

    def _shown(self, runs: list[RunResult]) -> list[tuple[str, RunResult]]:
        shown = [("no decay", next(run for run in runs if not _l2(run)))]
        for name, side in _sides(runs):
            values, losses = by_strength([r for r in side if _l2(r)], _l2, _test_loss)
            best = float(values[int(np.argmin([each.mean() for each in losses]))])
            shown.append((f"{name}\nλ₂ = {best:g}", next(r for r in side if _l2(r) == best)))
        return shown


def _sides(runs: Runs) -> list[tuple[str, list[RunResult]]]:
    adam = [run for run in runs if run.spec.optimizer.name == "adam"]
    return [
        ("Adam + L2", [run for run in adam if not _decoupled(run)]),
        ("AdamW", [run for run in adam if _decoupled(run)]),
    ]


def _decoupled(run: RunResult) -> bool:
    return bool(run.fields.get("optimizer.decoupled"))


def _all_images(runs: Runs) -> bool:
    return all(run.spec.dataset.image_shape is not None for run in runs)


def _pixel_rms(run: RunResult) -> Floats:
    shape = run.spec.dataset.image_shape
    assert shape is not None
    weights = run.arrays["param.W0"].astype(np.float64)
    return np.asarray(np.sqrt(np.mean(weights**2, axis=1)).reshape(shape))


class ProximalL1(Figure[list[RunResult]]):
    """Exact zeros, sparsity by threshold and accuracy of the two L1 methods."""

    name = "proximal-l1"
    title = "Proximal L1 against subgradients"

    def measure(self, runs: Runs) -> list[RunResult]:
        """Runs of both methods with several lambdas."""
        if any(len({_l1(run) for run in side}) < 2 for _, side in _methods(runs)):
            raise NotMeasurableError(
                "It needs several regularization.l1 with both values of regularization.l1_method, "
                "as the preset 'proximal-l1'."
            )
        need_only(runs, "a sweep of L1 by both methods", L1, "regularization.l1_method")
        return distinct(runs)

    def draw(self, runs: list[RunResult], style: Style) -> Canvas:
        """Left: exact zeros over lambda. Middle: share below a threshold. Right: accuracy."""
        figure = canvas(style, 12, 3.9)
        left, middle, right = figure.subplots(1, 3)
        for (name, side), colour, line in zip(_methods(runs), PALETTE, ("-", "--"), strict=False):
            decayed = [run for run in side if _l1(run)]
            plot_strengths(left, *by_strength(decayed, _l1, exact_zeros), colour, name)
            plot_strengths(right, *by_strength(side, _l1, _test_accuracy), colour, name, line)
            run = _middle(decayed)
            size, share = magnitudes(run)
            middle.plot(size, share, line, color=colour, label=f"{name}, λ₁ = {_l1(run):g}")
        left.set(
            title="Weights that are exactly 0", xlabel="λ₁", ylabel="share", ylim=(-0.03, 1.03)
        )
        middle.set(title="Weights up to a size", xscale="log", ylim=(-0.03, 1.03))
        middle.set(xlabel="threshold on |w|", ylabel="share of weights")
        right.set(title="Test accuracy", xlabel="λ₁")
        left.legend()
        middle.legend(fontsize=8)
        return figure

    def caption(self, runs: list[RunResult]) -> str:
        """Zeros and accuracy at the middle lambda."""
        told = []
        for name, side in _methods(runs):
            strength = _l1(_middle([run for run in side if _l1(run)]))
            same = [run for run in side if _l1(run) == strength]
            zeros = np.mean([exact_zeros(run) for run in same])
            right = np.mean([_test_accuracy(run) for run in same])
            told.append(
                f"{name}: {zeros:.1%} zeros, test accuracy {right:.1%} at λ₁ = {strength:g}"
                f"{mean_note([same])}"
            )
        return (
            "Left: share of weights that are exactly zero. Middle: share of weights up to a size; "
            "with subgradients, small weights oscillate by the step; with the soft "
            "threshold, they are zero. "
            f"Middle: seed {_middle(_methods(runs)[0][1]).seed}. Right: test accuracy. "
            f"{'; '.join(told)}."
        )


def _methods(runs: Runs) -> list[tuple[str, list[RunResult]]]:
    return [
        (name, [run for run in runs if run.spec.regularization.l1_method == name])
        for name in ("subgradient", "proximal")
    ]


def _middle(runs: Sequence[RunResult]) -> RunResult:
    values = sorted({_l1(run) for run in runs})
    return next(run for run in runs if _l1(run) == values[len(values) // 2])


def exact_zeros(run: RunResult) -> float:
    """Share of all weights (biases left out) that are exactly zero."""
    return share_up_to(run.weights(), 0)


def magnitudes(run: RunResult) -> tuple[Floats, Floats]:
    """Thresholds (200,), and the share of weights up to each in magnitude."""
    size = np.geomspace(1e-8, 10, 200)
    weights = np.concatenate([matrix.ravel() for matrix in run.weights()]).astype(float)
    sorted_sizes = np.sort(np.abs(weights))
    return size, np.searchsorted(sorted_sizes, size, side="right") / len(sorted_sizes)


def _test_accuracy(run: RunResult) -> float:
    return run.ending("test_accuracy")
