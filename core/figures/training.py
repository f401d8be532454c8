"""Figures 9 and 10 and their general forms: losses over time, and the spectrum behind them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from reglab.core.errors import NotMeasurableError
from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.grouping import (
    Floats,
    Group,
    dataset_note,
    evenly,
    facets,
    groups,
    loss_name,
    need_runs,
    points_note,
    seeds_note,
    seeds_of,
)
from reglab.core.figures.lines import FEW_POINTS, Line, is_wide, key, plot_lines, wrapped_apart
from reglab.core.figures.style import GREY, PALETTE, Style, canvas, sequence, time_map, time_norm
from reglab.core.metrics.components import cumulative

ALONE = "It shows one setting: it needs an experiment without a sweep, as 'early-stopping'."
SPECTRUM = "spectrum.energy"
NO_SPECTRUM = "It needs a run with a spectrum; set probes.spectrum to {}."
MOST_SPECTRA = 12


class EarlyStopping(Figure[Group]):
    """Figure 9: train and test loss, and where the test loss is least."""

    name = "fig09-early-stopping"
    title = "Train and test loss"
    article_number = 9

    def measure(self, runs: Runs) -> Group:
        """The replicates of one setting."""
        need_runs(runs)
        chosen = groups(runs)
        if len(chosen) > 1:
            raise NotMeasurableError(ALONE)
        return chosen[0]

    def draw(self, found: Group, style: Style) -> Canvas:
        """Both losses over epochs, a dashed grey line at the minimum."""
        figure = canvas(style, 7, 4.4)
        axes = figure.subplots()
        lines = [
            Line(found, metric, {"label": name, "color": colour})
            for metric, name, colour in (
                ("train_loss", "train", PALETTE[0]),
                ("test_loss", "test", PALETTE[1]),
            )
        ]
        plot_lines(axes, lines)
        epoch, _ = _minimum(found)
        axes.axvline(epoch, color=GREY, linestyle="--", label=f"least test loss, epoch {epoch:g}")
        axes.set_ylim(0, 1.15 * _visible_top(found))
        axes.set_xlabel("epoch")
        axes.set_ylabel(loss_name(found.runs))
        axes.legend()
        return figure

    def caption(self, found: Group) -> str:
        """The minimum, and the loss at the end."""
        epoch, least = _minimum(found)
        end = found.curve("test_loss")[1][-1]
        first, train = found.curve("train_loss")[1][[0, -1]]
        return (
            f"Train and test loss over epochs. The test loss is least ({least:.3g}) at epoch "
            f"{epoch:g} (dashed) and ends at {end:.3g}, while the train loss goes from {first:.3g} "
            f"to {train:.3g}." + seeds_note([found]) + dataset_note(found.runs, "fashion_mnist")
        )


@dataclass(frozen=True)
class Share:
    """Cumulative share (T, d) of the energy by rank, mean over replicates, at epochs (T,)."""

    group: Group
    epochs: NDArray[np.int64]
    share: Floats


class Spectrum(Figure[list[Share]]):
    """Figure 10: cumulative energy by rank over time, beside the losses."""

    name = "fig10-spectrum"
    title = "Energy of the change of the first layer by principal component"
    article_number: ClassVar[int | None] = 10

    def measure(self, runs: Runs) -> list[Share]:
        """The spectra of one setting."""
        found = _shares(runs)
        if len(found) > 1:
            raise NotMeasurableError(f"{ALONE} The figure 'spectrum' shows a sweep.")
        return found

    def draw(self, found: list[Share], style: Style) -> Canvas:
        """Left: a line per time, isotropic reference in grey. Right: losses, marked by colour."""
        (one,) = found
        norm = time_norm(float(one.epochs[0]), float(one.epochs[-1]))
        figure = canvas(style, 12, 4.6)
        left, right = figure.subplots(1, 2)
        _energy(left, one, norm, style)
        left.legend(loc="lower right")
        _losses(right, one, norm, style)
        _time_bar(figure, [left, right], norm, style)
        return figure

    def caption(self, found: list[Share]) -> str:
        """Share of the first ten components early and late."""
        (one,) = found
        ten = min(10, one.share.shape[1]) - 1
        return (
            "Left: share of the energy of the first layer's change in the first k principal "
            "components, from early (red) to late (blue); grey: isotropic change. The first "
            f"{ten + 1} hold {one.share[0, ten]:.0%} at epoch {one.epochs[0]} and "
            f"{one.share[-1, ten]:.0%} at epoch {one.epochs[-1]}. Right: train and test loss, "
            "marked in the same colours."
            + _spectrum_seeds([one.group])
            + self._stand_in(one.group.runs)
        )

    def _stand_in(self, runs: Runs) -> str:
        return dataset_note(runs, "fashion_mnist")


class PlainSpectrum(Spectrum):
    """The same for any run, and a panel for each point of a sweep."""

    name = "spectrum"
    title = "Spectrum of the first layer's change"
    article_number: ClassVar[int | None] = None

    def _stand_in(self, runs: Runs) -> str:
        return ""

    def measure(self, runs: Runs) -> list[Share]:
        """The spectra of every sweep point."""
        return _shares(runs)

    def draw(self, found: list[Share], style: Style) -> Canvas:
        """One setting beside its losses; of several a panel each."""
        if len(found) == 1:
            return super().draw(found, style)
        shown = evenly(found, MOST_SPECTRA)
        columns = min(4, math.ceil(math.sqrt(len(shown))))
        rows = math.ceil(len(shown) / columns)
        figure = canvas(style, 3.2 * columns + 1, 2.9 * rows)
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        norm = time_norm(
            float(min(one.epochs[0] for one in shown)), float(max(one.epochs[-1] for one in shown))
        )
        for axes in grid.flat[len(shown) :]:
            axes.set_visible(False)
        titles = wrapped_apart([one.group.label for one in shown])
        for axes, one, title in zip(grid.flat, shown, titles, strict=False):
            _energy(axes, one, norm, style)
            axes.set_title(title, fontsize=9)
            axes.set(xlabel="rank k", ylabel="cumulative energy")
            axes.label_outer()
        _time_bar(figure, list(grid.flat), norm, style)
        return figure

    def caption(self, found: list[Share]) -> str:
        """Share of the first ten components at the end, by sweep point."""
        if len(found) == 1:
            return super().caption(found)
        shown = evenly(found, MOST_SPECTRA)
        rest = "GET /v1/runs/{id}/spectrum has each"
        ten = min(10, found[0].share.shape[1]) - 1
        ends = [float(one.share[-1, ten]) for one in found]
        last = sorted({int(one.epochs[-1]) for one in found})
        when = f"epoch {last[0]}" + (f" to {last[-1]}" if len(last) > 1 else "")
        return (
            "Share of the energy of the first layer's change in the first k principal components, "
            f"from early (red) to late (blue), of {points_note(len(shown), len(found), rest)}; "
            f"grey: isotropic change. At the last snapshot ({when}) the first {ten + 1} hold from "
            f"{min(ends):.0%} to {max(ends):.0%}." + _spectrum_seeds([one.group for one in found])
        )


def _shares(runs: Runs) -> list[Share]:
    """Of each sweep point, at the epochs that all of its replicates were looked at."""
    chosen = groups([run for run in runs if SPECTRUM in run.arrays])
    if not chosen:
        raise NotMeasurableError(NO_SPECTRUM if runs else "No run has finished yet.")
    found = []
    for group in chosen:
        epochs = [np.asarray(run.arrays["spectrum.epochs"], np.int64) for run in group.runs]
        common = epochs[0][np.all([np.isin(epochs[0], other) for other in epochs], axis=0)]
        if len(common):
            shares = [
                cumulative(run.arrays[SPECTRUM])[np.isin(own, common)]
                for run, own in zip(group.runs, epochs, strict=True)
            ]
            found.append(Share(group, common, np.mean(shares, axis=0)))
    if not found:
        raise NotMeasurableError("The seeds of a setting have no epoch of their spectra in common.")
    return found


def _energy(axes: Axes, one: Share, norm: Normalize, style: Style) -> None:
    rank = np.arange(1, one.share.shape[1] + 1)
    colours = time_map(style.theme)
    axes.plot(rank, rank / rank[-1], color=GREY, linewidth=2.5, label="isotropic")
    for epoch, line in zip(one.epochs, one.share, strict=True):
        axes.plot(rank, line, color=colours(norm(epoch)), linewidth=1.2)
    axes.set_xscale("log")
    axes.set_xlabel("rank k of the principal component")
    axes.set_ylabel("cumulative energy")
    axes.set_ylim(0, 1.02)


def _losses(axes: Axes, one: Share, norm: Normalize, style: Style) -> None:
    lines = []
    for metric, look, name in (("train_loss", ":", "train"), ("test_loss", "-", "test")):
        epochs, mean, _, _ = one.group.curve(metric)
        shown = epochs > 0
        axes.plot(epochs[shown], mean[shown], look, color=style.ink, linewidth=1, label=name)
        marked = np.isin(epochs, one.epochs)
        axes.scatter(
            epochs[marked],
            mean[marked],
            c=time_map(style.theme)(norm(epochs[marked])),
            s=26,
            zorder=3,
        )
        lines.append(mean[shown])
    axes.set_xscale("log")
    axes.set_xlabel("epoch")
    axes.set_ylabel(loss_name(one.group.runs))
    axes.set_ylim(0, 1.05 * _positive(max(float(line.max(initial=0)) for line in lines)))
    axes.legend()


def _time_bar(figure: Canvas, axes: list[Axes], norm: Normalize, style: Style) -> None:
    bar = figure.colorbar(
        mpl.cm.ScalarMappable(norm, time_map(style.theme)), ax=axes, label="epoch", shrink=0.9
    )
    bar.ax.minorticks_off()


def _spectrum_seeds(chosen: list[Group]) -> str:
    sets = [group.runs for group in chosen]
    return f" All are means over {seeds_of(sets)}." if max(map(len, sets)) > 1 else ""


class Curves(Figure[list[Group]]):
    """Losses and accuracies of any runs."""

    name = "curves"
    title = "Curves"
    metrics = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")

    def measure(self, runs: Runs) -> list[Group]:
        """Every sweep point."""
        need_runs(runs)
        return groups(runs)

    def draw(self, found: list[Group], style: Style) -> Canvas:
        """Four panels with a line per sweep point; of a large grid four per value of a field."""
        parts = facets(found, FEW_POINTS)
        names = list(dict.fromkeys(group.label for part in parts for group in part.groups))
        colours = dict(zip(names, sequence(len(names), style.theme), strict=True))
        if len(parts) == 1:
            figure = canvas(style, 11, 7.4)
            panels = [figure.subplots(2, 2).ravel()]
        else:
            figure = canvas(style, 14, 2.6 * len(parts) + 0.8)
            panels = list(figure.subplots(len(parts), 4, squeeze=False, sharex="col", sharey="col"))
        titles = wrapped_apart([part.title for part in parts])
        for row, part, title in zip(panels, parts, titles, strict=True):
            for axes, metric in zip(row, self.metrics, strict=True):
                self._panel(axes, metric, part.groups, found, colours)
                axes.set_title(metric.replace("_", " "))
            if part.title:
                row[0].set_ylabel(title)
        for axes in panels[-1] if len(parts) > 1 else panels[0]:
            axes.set_xlabel("epoch")
        if len(found) > 1:
            flat = [axes for row in panels for axes in row]
            key(figure, flat, names, list(colours.values()), linewidth=2)
        return figure

    def _panel(
        self,
        axes: Axes,
        metric: str,
        shown: list[Group],
        everything: list[Group],
        colours: dict[str, object],
    ) -> None:
        lines = [
            Line(group, metric, {"color": colours[group.label], "linewidth": 1.2})
            for group in shown
        ]
        plot_lines(axes, lines, self._log(metric, everything))

    def _log(self, metric: str, found: list[Group]) -> bool:
        wide = metric == "test_loss" and is_wide([Line(group, metric) for group in found])
        return metric == "train_loss" or wide

    def caption(self, found: list[Group]) -> str:
        """What is shown."""
        parts = facets(found, FEW_POINTS)
        told = f"Loss and accuracy over epochs for {points_note(len(found), len(found), '')}."
        if len(parts) > 1:
            told += f" A row of panels for each of {len(parts)} values, a colour for the other."
        if self._log("test_loss", found):
            told += " Both losses are on a logarithmic axis."
        return told + seeds_note(found, bands=max(len(part.groups) for part in parts) <= FEW_POINTS)


def _minimum(group: Group) -> tuple[float, float]:
    epochs, loss, _, _ = group.curve("test_loss")
    at = int(loss.argmin())
    return float(epochs[at]), float(loss[at])


def _visible_top(group: Group) -> float:
    """The first loss is that of an untrained network and would flatten the rest."""
    test = group.curve("test_loss")[1]
    later = test[max(1, len(test) // 50) :] if len(test) > 1 else test
    return _positive(float(later.max()))


def _positive(top: float) -> float:
    return top if top > 0 else 1.0
