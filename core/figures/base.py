"""What a figure is, and how it becomes bytes."""

from __future__ import annotations

import io
import math
import threading
from collections.abc import Sequence
from typing import Any, ClassVar

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas

from reglab.core.errors import FieldProblem, ReglabError
from reglab.core.figures.style import Style
from reglab.core.results import RunResult

# Matplotlib's settings and text caches are shared by all threads of a process.
_lock = threading.RLock()
METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": "reglab"},
    "pdf": {"CreationDate": None, "ModDate": None, "Creator": "reglab", "Producer": "reglab"},
}

Runs = Sequence[RunResult]


class Figure:
    """One figure: a pure function of stored results.

    Attributes:
        name: As in ``figures/{name}.png``.
        title: For people.
        article_number: Its number in the article, or None.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    article_number: ClassVar[int | None] = None

    def applies(self, runs: Runs) -> str | None:
        """Why the figure cannot be drawn from these runs, or None if it can."""
        raise NotImplementedError

    def draw(self, runs: Runs, style: Style) -> Canvas:
        """Draw; call ``render`` instead, which sets the style up."""
        raise NotImplementedError

    def caption(self, runs: Runs) -> str:
        """What is to be seen, with numbers read from the runs; serves as alternative text."""
        raise NotImplementedError


class FigureTooLarge(ReglabError):
    """The picture would have more pixels than are allowed."""


def render(
    figure: Figure,
    runs: Runs,
    style: Style,
    form: str = "png",
    dpi: int = 144,
    max_pixels: float = math.inf,
) -> bytes:
    """The figure as a file of format 'png', 'svg' or 'pdf'; equal input gives equal bytes.

    Raises:
        FigureTooLarge: A PNG would have more than ``max_pixels``.
    """
    with _lock, mpl.rc_context(style.settings()):  # type: ignore[arg-type]
        drawn = figure.draw(runs, style)
        width, height = drawn.get_size_inches()
        if form == "png" and width * height * dpi**2 > max_pixels:
            fits = int(math.sqrt(max_pixels / (width * height)))
            detail = f"A picture of {width:.0f} x {height:.0f} inches at {dpi} dots an inch has "
            detail += f"more than {max_pixels:.0f} pixels."
            raise FigureTooLarge(FieldProblem("dpi", detail, f"Use at most {fits}, or svg."))
        buffer = io.BytesIO()
        drawn.savefig(buffer, format=form, dpi=dpi, metadata=METADATA[form])
    return buffer.getvalue()
