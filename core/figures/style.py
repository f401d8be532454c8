"""Looks: colours that colour-blind people can tell apart, two themes, one width.

Lines have a contrast of at least ``CONTRAST`` against the paper of either theme (WCAG 2.2, 1.4.11).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import (
    Colormap,
    LinearSegmentedColormap,
    ListedColormap,
    LogNorm,
    Normalize,
    to_rgb,
)
from matplotlib.figure import Figure as Canvas

Theme = Literal["light", "dark"]
CONTRAST = 3.0
# The papers of figures and of the page that are nearest to the lines.
PAPERS: dict[Theme, str] = {"light": "#f7f8fa", "dark": "#1e2128"}
# Okabe and Ito (2008), without yellow and black; the last three darkened to be seen on white.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#C46A9C", "#A6761D", "#3E97CF")
CLASS_COLOURS = ("#0072B2", "#D55E00")
GREY = "#8a8a8a"
BOUNDARY_MAP = LinearSegmentedColormap.from_list("moons", ["#0072B2", "#f7f7f7", "#D55E00"])
WEIGHT_MAP = LinearSegmentedColormap.from_list("weights", ["#0072B2", "#ffffff", "#D55E00"])
# Early red to late blue.
TIME_MAP = LinearSegmentedColormap.from_list(
    "time", ["#a50026", "#d73027", "#f46d43", "#dba32a", "#6aa6cd", "#4575b4", "#313695"]
)
SWEEP_MAP = "plasma"
# The part of it that is seen on the paper of each theme.
SWEEP_RANGE: dict[Theme, tuple[float, float]] = {"light": (0.0, 0.6), "dark": (0.46, 1.0)}


@dataclass(frozen=True)
class Style:
    """How a figure is drawn.

    Attributes:
        theme: 'light' or 'dark'.
        width: Inches; None keeps the figure's own width. The height follows.
    """

    theme: Theme = "light"
    width: float | None = None

    def settings(self) -> dict[str, Any]:
        """Matplotlib's settings for this style."""
        ink = "#1a1a1a" if self.theme == "light" else "#e8e8e8"
        paper = "#ffffff" if self.theme == "light" else "#16181d"
        inked = (
            "text.color",
            "axes.edgecolor",
            "axes.labelcolor",
            "axes.titlecolor",
            "xtick.color",
            "ytick.color",
        )
        return {
            **dict.fromkeys(inked, ink),
            "figure.facecolor": paper,
            "savefig.facecolor": paper,
            "axes.facecolor": paper,
            "font.family": "DejaVu Sans",
            "font.size": 10,
            "axes.titlesize": 11,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.color": GREY,
            "grid.alpha": 0.2,
            "legend.frameon": False,
            "lines.linewidth": 1.6,
            "svg.hashsalt": "reglab",
            "svg.fonttype": "path",
            "pdf.fonttype": 42,
        }

    @property
    def ink(self) -> str:
        """Colour of lines that belong to no run."""
        return "#1a1a1a" if self.theme == "light" else "#e8e8e8"


def canvas(style: Style, width: float, height: float) -> Canvas:
    """An empty figure of this size in inches, scaled to the style's width."""
    scale = 1.0 if style.width is None else style.width / width
    return Canvas(figsize=(width * scale, height * scale), layout="constrained")


def plain(axes: Axes) -> None:
    """No ticks and no grid: for pictures rather than plots."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
    axes.spines[:].set_visible(False)


def luminance(colour: Any) -> float:
    """Relative luminance, from 0 (black) to 1 (white), as WCAG defines it."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def contrast(one: Any, other: Any) -> float:
    """Contrast of two colours, from 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def legible(colour: Any, theme: Theme) -> tuple[float, float, float]:
    """The colour, darkened or lightened until it is seen on the paper of the theme."""
    end = 0.0 if theme == "light" else 1.0
    rgb = np.array(to_rgb(colour))
    for share in np.linspace(0, 1, 51):
        mixed = (1 - share) * rgb + share * end
        if contrast(mixed, PAPERS[theme]) >= CONTRAST:
            break
    return float(mixed[0]), float(mixed[1]), float(mixed[2])


def sweep_map(theme: Theme) -> Colormap:
    """Colours of rising values, all of them seen on the paper of the theme."""
    shown = mpl.colormaps[SWEEP_MAP](np.linspace(*SWEEP_RANGE[theme], 256))
    return ListedColormap(shown, "sweep")


@functools.cache
def time_map(theme: Theme) -> Colormap:
    """Early red to late blue, all of them seen on the paper of the theme."""
    return ListedColormap([legible(TIME_MAP(at), theme) for at in range(256)], "time")


def sequence(count: int, theme: Theme = "light") -> list[Any]:
    """Ordered colours of ``count`` sweep points."""
    scale = sweep_map(theme)
    return [scale(at / max(count - 1, 1)) for at in range(count)]


def time_norm(first: float, last: float) -> Normalize:
    """Logarithmic colours of time."""
    return LogNorm(max(first, 1), max(last, first + 1))
