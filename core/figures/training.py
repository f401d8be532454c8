"""Figures 9 and 10 and their general forms: losses over time, and the spectrum behind them."""

from __future__ import annotations

from typing import ClassVar

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.grouping import (
    Group,
    dataset_note,
    groups,
    plot_metric,
    seeds_note,
)
from reglab.core.figures.style import GREY, PALETTE, TIME_MAP, Style, canvas, sequence, time_norm
from reglab.core.probes.spectrum import cumulative

ALONE = "It shows one setting: it needs an experiment without a sweep, as 'early-stopping'."


class EarlyStopping(Figure):
    """Figure 9: train and test loss, and where the test loss is least."""

    name = "fig09-early-stopping"
    title = "Train and test loss"
    article_number = 9

    def applies(self, runs: Runs) -> str | None:
        """Needs one setting."""
        if not runs:
            return "No run has finished yet."
        return None if len(groups(runs)) == 1 else ALONE

    def draw(self, runs: Runs, style: Style) -> Canvas:
        """Both losses over epochs, a dashed grey line at the minimum."""
        figure = canvas(style, 7, 4.4)
        axes = figure.subplots()
        group = groups(runs)[0]
        plot_metric(axes, group, "train_loss", label="train", color=PALETTE[0])
        plot_metric(axes, group, "test_loss", label="test", color=PALETTE[1])
        epoch, _ = _minimum(group)
        axes.axvline(epoch, color=GREY, linestyle="--", label=f"least test loss, epoch {epoch:g}")
        axes.set_ylim(0, 1.15 * _visible_top(group))
        axes.set_xlabel("epoch")
        axes.set_ylabel("cross-entropy")
        axes.legend()
        return figure

    def caption(self, runs: Runs) -> str:
        """The minimum, and the loss at the end."""
        group = groups(runs)[0]
        epoch, least = _minimum(group)
        end = group.curve("test_loss")[1][-1]
        train = group.curve("train_loss")[1][-1]
        return (
            f"Train and test loss over epochs. The test loss is least ({least:.3f}) at epoch "
            f"{epoch:g} (dashed) and ends at {end:.3f}, while the train loss falls to {train:.3f}."
            + seeds_note(runs)
            + dataset_note(runs, "fashion_mnist")
        )


class Spectrum(Figure):
    """Figure 10: cumulative energy by rank over time, beside the losses."""

    name = "fig10-spectrum"
    title = "Energy of the change of the first layer by principal component"
    article_number: ClassVar[int | None] = 10

    def applies(self, runs: Runs) -> str | None:
        """Needs a run with a spectrum."""
        if any("spectrum.energy" in run.arrays for run in runs):
            return None
        return "It needs a run with a spectrum; set probes.spectrum to {}."

    def draw(self, runs: Runs, style: Style) -> Canvas:
        """Left: a line a time, isotropic reference in grey. Right: losses, marked by colour."""
        group = _with_spectrum(runs)
        epochs, share = _shares(group)
        rank = np.arange(1, share.shape[1] + 1)
        norm = time_norm(float(epochs[0]), float(epochs[-1]))
        figure = canvas(style, 12, 4.6)
        left, right = figure.subplots(1, 2)
        left.plot(rank, rank / rank[-1], color=GREY, linewidth=2.5, label="isotropic")
        for epoch, line in zip(epochs, share, strict=True):
            left.plot(rank, line, color=TIME_MAP(norm(epoch)), linewidth=1.2)
        left.set_xscale("log")
        left.set_xlabel("rank k of the principal component")
        left.set_ylabel("cumulative energy")
        left.set_ylim(0, 1.02)
        left.legend(loc="lower right")
        self._losses(right, group, epochs, norm, style)
        bar = figure.colorbar(
            mpl.cm.ScalarMappable(norm, TIME_MAP), ax=[left, right], label="epoch", shrink=0.9
        )
        bar.ax.minorticks_off()
        return figure

    def _losses(
        self, axes: Axes, group: Group, steps: NDArray[np.int64], norm: Normalize, style: Style
    ) -> None:
        for metric, look, name in (("train_loss", ":", "train"), ("test_loss", "-", "test")):
            epochs, mean, _, _ = group.curve(metric)
            shown = epochs > 0
            axes.plot(epochs[shown], mean[shown], look, color=style.ink, linewidth=1, label=name)
            at = np.searchsorted(epochs, steps)
            axes.scatter(steps, mean[at], c=TIME_MAP(norm(steps)), s=26, zorder=3)
        axes.set_xscale("log")
        axes.set_xlabel("epoch")
        axes.set_ylabel("cross-entropy")
        axes.set_ylim(bottom=0)
        axes.legend()

    def caption(self, runs: Runs) -> str:
        """Share of the first ten components early and late."""
        group = _with_spectrum(runs)
        epochs, share = _shares(group)
        ten = min(10, share.shape[1]) - 1
        return (
            "Left: share of the energy of the first layer's change in the first k principal "
            "components, from early (red) to late (blue); grey: isotropic change. The first ten "
            f"hold {share[0, ten]:.0%} at epoch {epochs[0]} and {share[-1, ten]:.0%} at epoch "
            f"{epochs[-1]}. Right: train and test loss, marked in the same colours."
            + (f" All are means over {len(group.runs)} seeds." if len(group.runs) > 1 else "")
            + dataset_note(runs, "fashion_mnist")
        )


class PlainSpectrum(Spectrum):
    """The same for any run."""

    name = "spectrum"
    title = "Spectrum of the first layer's change"
    article_number: ClassVar[int | None] = None


class Curves(Figure):
    """Losses and accuracies of any runs."""

    name = "curves"
    title = "Curves"

    def applies(self, runs: Runs) -> str | None:
        """Needs a finished run."""
        return None if runs else "No run has finished yet."

    def draw(self, runs: Runs, style: Style) -> Canvas:
        """Four panels, a line a sweep point, at most twenty."""
        figure = canvas(style, 11, 7)
        chosen = groups(runs)[:20]
        metrics = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")
        for axes, metric in zip(figure.subplots(2, 2).flat, metrics, strict=True):
            for group, colour in zip(chosen, sequence(len(chosen)), strict=True):
                log = metric == "train_loss"
                plot_metric(
                    axes, group, metric, log, label=group.label, color=colour, linewidth=1.2
                )
            axes.set_title(metric.replace("_", " "))
            axes.set_xlabel("epoch")
            if metric == "train_loss":
                axes.set_yscale("log")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper", fontsize=8)
        return figure

    def caption(self, runs: Runs) -> str:
        """What is shown."""
        shown = len(groups(runs)[:20])
        return f"Loss and accuracy over epochs for {shown} sweep points." + seeds_note(runs)


def _minimum(group: Group) -> tuple[float, float]:
    epochs, loss, _, _ = group.curve("test_loss")
    at = int(loss.argmin())
    return float(epochs[at]), float(loss[at])


def _visible_top(group: Group) -> float:
    """The first loss is that of an untrained network and would flatten the rest."""
    test = group.curve("test_loss")[1]
    later = test[max(1, len(test) // 50) :] if len(test) > 1 else test
    return float(later.max())


def _with_spectrum(runs: Runs) -> Group:
    """The first setting with spectra, and those of its replicates that were looked at alike."""
    group = groups([run for run in runs if "spectrum.energy" in run.arrays])[0]
    first = group.runs[0].arrays["spectrum.epochs"]
    alike = [run for run in group.runs if np.array_equal(run.arrays["spectrum.epochs"], first)]
    return Group(group.params, alike, group.label)


def _shares(group: Group) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Epochs (T,), and the mean over replicates of the cumulative share by rank, (T, d)."""
    shares = [cumulative(run.arrays["spectrum.energy"]) for run in group.runs]
    return group.runs[0].arrays["spectrum.epochs"], np.mean(shares, axis=0)
