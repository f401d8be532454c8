"""Curves of sweep points on axes that follow them, and keys that stay readable at any number."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure as Canvas
from matplotlib.figure import SubFigure

from reglab.core.figures.grouping import ENOUGH, SMALLEST, Floats, Group, evenly
from reglab.core.figures.style import GREY

# Up to so many replicates are drawn one by one as well.
FEW_SEEDS = 5
# Up to so many sweep points have a legend and bands; more have a colour bar.
FEW_POINTS = 8
TICKS = 9
# Points of all lines of a panel together: more cannot be seen, and make pictures of 100 MB.
MOST_POINTS = 60_000
LABEL_WIDTH = 34
# A linear axis on which the largest value is so many times the median hides all others.
WIDE = 30.0


@dataclass(frozen=True)
class Line:
    """One metric of one sweep point, and how it looks."""

    group: Group
    metric: str
    look: dict[str, Any] = field(default_factory=dict)


def bounds(metric: str) -> tuple[float, float]:
    """Least and greatest possible value of a metric."""
    return (0.0, 1.0) if metric.endswith("accuracy") else (0.0, np.inf)


def plot_lines(axes: Axes, lines: Sequence[Line], log: bool = False) -> None:
    """Means over seeds with bands of their 95 % t intervals, on axes that follow the lines.

    Bands are drawn from three replicates on, up to eight lines. A few replicates are drawn one by
    one as well, faintly, and so are those that stopped at different epochs.
    """
    detail = len(lines) <= FEW_POINTS
    most = max(40, MOST_POINTS // max(len(lines), 1))
    values: list[Floats] = []
    bands = []
    for line in lines:
        epochs, mean, low, high = line.group.curve(line.metric, log)
        at = thinned(mean, most)
        (drawn,) = axes.plot(epochs[at], mean[at], **line.look)
        values.append(mean)
        colour = drawn.get_color()
        count = len(line.group.runs)
        if detail and count >= ENOUGH:
            bands.append((epochs[at], low[at], high[at], bounds(line.metric), colour))
        if (1 < count <= FEW_SEEDS and detail) or len(set(line.group.ends)) > 1:
            values += _singles(axes, line, log, most, colour)
    if log:
        axes.set_yscale("log")
    frame(axes, values, log)
    for x, low, high, (least, greatest), colour in bands:
        bottom, top = _far_beyond(axes, log)
        limits = max(least, bottom), min(greatest, top)
        ends = (np.clip(end, *limits) for end in (low, high))
        axes.fill_between(x, *ends, color=colour, alpha=0.25, linewidth=0)


def _far_beyond(axes: Axes, log: bool) -> tuple[float, float]:
    """Ends far from what is seen: a band may be infinite, which no picture can hold."""
    bottom, top = axes.get_ylim()
    if log:
        return bottom * (bottom / top), min(top * min(top / bottom, 1e100), 1e200)
    return bottom - 10 * (top - bottom), top + 10 * (top - bottom)


def _singles(axes: Axes, line: Line, log: bool, most: int, colour: Any) -> list[Floats]:
    shown = []
    for run in line.group.runs:
        epochs = np.asarray(run.curves["epoch"], np.float64)
        values = np.asarray(run.curves[line.metric], np.float64)
        if log:
            values = np.maximum(values, SMALLEST)
        at = thinned(values, most)
        axes.plot(epochs[at], values[at], color=colour, alpha=0.45, linewidth=0.6)
        shown.append(values)
    return shown


def frame(axes: Axes, values: Sequence[Floats], log: bool = False) -> None:
    """Limits of y around these values, which are finite whatever the values are."""
    found = np.concatenate([np.empty(0), *(np.asarray(e, np.float64).ravel() for e in values)])
    found = found[np.isfinite(found) & ((found > 0) | (not log))]
    if not len(found):
        return
    low, high = float(found.min()), float(found.max())
    if log:
        margin = max(0.05 * np.log(high / low), 0.05)
        axes.set_ylim(low * np.exp(-margin), high * np.exp(margin))
    else:
        margin = 0.05 * (high - low) or 0.05 * abs(high) or 0.05
        axes.set_ylim(low - margin, high + margin)


def is_wide(lines: Sequence[Line]) -> bool:
    """Whether values are so far apart that a linear axis would show the largest alone."""
    found = np.concatenate([line.group.replicates(line.metric)[1].ravel() for line in lines])
    found = found[np.isfinite(found) & (found > 0)]
    return bool(len(found)) and float(found.max()) > WIDE * float(np.median(found))


def thinned(values: Floats, most: int) -> Any:
    """Positions of at most ``most`` values, the least and greatest of each stretch among them."""
    size = len(values)
    if size <= most:
        return slice(None)
    kept = {0, size - 1}
    for stretch in np.array_split(np.arange(1, size - 1), max(1, (most - 2) // 2)):
        if len(stretch):
            part = values[stretch]
            kept |= {int(stretch[part.argmin()]), int(stretch[part.argmax()])}
    return np.array(sorted(kept))


def wrapped(label: str, lines: int = 3) -> str:
    """A label on at most three lines of readable length."""
    return wrapped_apart([label], lines)[0]


def wrapped_apart(labels: Sequence[str], lines: int = 3) -> list[str]:
    """Labels on at most so many lines, or on as many as it takes to tell them apart."""
    while True:
        found = [
            "\n".join(textwrap.wrap(label, LABEL_WIDTH, max_lines=lines, placeholder=" ..."))
            or label
            for label in labels
        ]
        if len(set(found)) == len(set(labels)) or not any(one.endswith(" ...") for one in found):
            return found
        lines += 1


def key(
    figure: Canvas | SubFigure,
    axes: Sequence[Axes],
    names: Sequence[str],
    colours: Sequence[Any],
    **look: Any,
) -> None:
    """What each colour is: a legend of up to eight names, else a colour bar beside all axes."""
    if len(names) <= FEW_POINTS:
        handles = [
            mpl.lines.Line2D([], [], color=colour, label=name, **look)
            for name, colour in zip(wrapped_apart(names), colours, strict=True)
        ]
        columns = _columns(names)
        figure.legend(handles=handles, loc="outside lower center", fontsize=8, ncols=columns)
        return
    norm = BoundaryNorm(np.arange(len(names) + 1), len(names))
    scale = mpl.cm.ScalarMappable(norm, ListedColormap(list(colours)))
    bar = figure.colorbar(scale, ax=list(axes), aspect=40, pad=0.02)
    at = evenly(range(len(names)), TICKS)
    bar.set_ticks([k + 0.5 for k in at], labels=wrapped_apart([names[k] for k in at]))
    bar.ax.tick_params(labelsize=8, length=0)
    bar.ax.minorticks_off()


def _columns(names: Sequence[str]) -> int:
    longest = max(len(line) for name in wrapped_apart(names) for line in name.split("\n"))
    return max(1, min(len(names), 100 // (longest + 6)))


def equality(axes: Axes) -> None:
    """The diagonal of perfect calibration."""
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1.2, label="equality")
    axes.set_xlabel("mean confidence")
    axes.set_ylabel("mean accuracy")
