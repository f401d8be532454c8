"""Looks: colours that colour-blind people can tell apart, two themes, one width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, LogNorm, Normalize
from matplotlib.figure import Figure as Canvas

# Okabe and Ito (2008), without yellow and black.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
CLASS_COLOURS = ("#0072B2", "#D55E00")
GREY = "#8a8a8a"
BOUNDARY_MAP = LinearSegmentedColormap.from_list("moons", ["#0072B2", "#f7f7f7", "#D55E00"])
WEIGHT_MAP = LinearSegmentedColormap.from_list("weights", ["#0072B2", "#ffffff", "#D55E00"])
# Early red to late blue; the middle is darkened, as pale yellow would vanish on white.
TIME_MAP = LinearSegmentedColormap.from_list(
    "time", ["#a50026", "#d73027", "#f46d43", "#dba32a", "#6aa6cd", "#4575b4", "#313695"]
)
SWEEP_MAP = "cividis"


@dataclass(frozen=True)
class Style:
    """How a figure is drawn.

    Attributes:
        theme: 'light' or 'dark'.
        width: Inches; None keeps the figure's own width. The height follows.
    """

    theme: Literal["light", "dark"] = "light"
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


def sequence(count: int, name: str | Colormap = SWEEP_MAP) -> list[Any]:
    """Ordered colours for the values of a sweep, the palest end left out."""
    import matplotlib as mpl

    scale = mpl.colormaps[name] if isinstance(name, str) else name
    return [scale(0.9 * at / max(count - 1, 1)) for at in range(count)]


def time_norm(first: float, last: float) -> Normalize:
    """Logarithmic colours of time."""
    return LogNorm(max(first, 1), max(last, first + 1))
