"""What a figure is, and how it becomes bytes."""

from __future__ import annotations

import io
import logging
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas

from reglab.core.errors import CODE_FAULTS, FieldProblem, FieldProblemError, NotMeasurableError
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
FAILED = "Its measurement failed; the server's log says why."
log = logging.getLogger("reglab.figures")


Found = TypeVar("Found")


class Figure(Generic[Found]):
    """One figure: a pure function of stored results.

    What is measured is apart from how it is drawn and told, so that both take the same numbers.

    Attributes:
        name: As in ``figures/{name}.png``.
        title: For people.
        article_number: Its number in the article, or None.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    article_number: ClassVar[int | None] = None

    def measure(self, runs: Runs) -> Found:
        """What is to be drawn of finished runs.

        Raises:
            NotMeasurableError: The figure cannot be drawn from these runs.
        """
        raise NotImplementedError

    def draw(self, found: Found, style: Style) -> Canvas:
        """Draw what was measured; call ``render`` instead, which sets the style up."""
        raise NotImplementedError

    def caption(self, found: Found) -> str:
        """What is to be seen, with the numbers measured; serves as alternative text."""
        raise NotImplementedError

    def reason(self, runs: Runs) -> str | None:
        """Why the figure cannot be drawn from these runs, or None if it can."""
        try:
            self.measure(runs)
        except NotMeasurableError as missing:
            return str(missing)
        return None


class FigureTooLargeError(FieldProblemError):
    """The picture would have more pixels than are allowed."""


@dataclass(frozen=True)
class Drawable(Generic[Found]):
    """A figure with what it measured and tells of some runs."""

    figure: Figure[Found]
    found: Found
    caption: str


def prepare(figure: Figure[Found], runs: Runs) -> Drawable[Found]:
    """Measure once, for the caption and for the picture.

    Raises:
        NotMeasurableError: The figure cannot be drawn from these runs, or its code is at fault.
    """
    try:
        found = figure.measure(runs)
        return Drawable(figure, found, figure.caption(found))
    except NotMeasurableError:
        raise
    except CODE_FAULTS as fault:
        # One figure must not take all others away; the law of figures says that this never comes.
        log.exception("figure %s failed", figure.name)
        raise NotMeasurableError(FAILED) from fault


def render(
    figure: Figure[Found],
    found: Found,
    style: Style,
    form: str = "png",
    dpi: int = 144,
    max_pixels: float = math.inf,
) -> bytes:
    """What a figure measured as a file: 'png', 'svg' or 'pdf'; equal input gives equal bytes.

    Raises:
        FigureTooLargeError: A PNG would have more than ``max_pixels``.
    """
    with _lock, mpl.rc_context(style.settings()):  # type: ignore[arg-type]
        drawn = figure.draw(found, style)
        width, height = drawn.get_size_inches()
        if form == "png" and width * height * dpi**2 > max_pixels:
            fits = int(math.sqrt(max_pixels / (width * height)))
            detail = f"A picture of {width:.0f} x {height:.0f} inches at {dpi} dots per inch has "
            detail += f"more than {max_pixels:.0f} pixels."
            raise FigureTooLargeError(FieldProblem("dpi", detail, f"Use at most {fits}, or svg."))
        buffer = io.BytesIO()
        drawn.savefig(buffer, format=form, dpi=dpi, metadata=METADATA[form])
    return buffer.getvalue()
