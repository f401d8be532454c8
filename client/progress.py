"""Progress of experiments: bars in a terminal, a bar in a notebook, or nothing."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column

from reglab.client.models import TERMINAL, ExperimentData
from reglab.client.packages import in_notebook, need
from reglab.client.text import for_html

COLOURS = {"failed": "red", "cancelled": "yellow"}
LABEL = 32


class Display:
    """Shows nothing; the others show what they are told."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def update(self, data: ExperimentData) -> None:
        """Show the experiment as it is now; called again and again."""

    def close(self) -> None:
        """Leave the last state on the screen."""


class TerminalDisplay(Display):
    """One bar an experiment."""

    def __init__(self, console: Console | None = None) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[runs]}"),
            TimeElapsedColumn(),
            console=console or Console(stderr=True),
        )
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def update(self, data: ExperimentData) -> None:
        """Move the experiment's bar, made when it is first seen."""
        if data.id not in self._bars:
            self._bars[data.id] = self._progress.add_task(_shortened(data), total=1.0, runs="")
        bar = self._bars[data.id]
        runs = f"{_ended(data)}/{len(data.runs)} runs"
        if data.state in COLOURS:
            runs += f" [{COLOURS[data.state]}]{data.state}[/]"
        self._progress.update(bar, completed=data.progress, runs=runs)
        if data.state in TERMINAL:
            self._progress.stop_task(bar)

    def close(self) -> None:
        """Stop drawing."""
        self._progress.stop()


class NotebookDisplay(Display):
    """One line an experiment, updated in place; needs no widgets."""

    def __init__(self) -> None:
        self._lines: dict[str, str] = {}
        self._handle: Any = None

    def update(self, data: ExperimentData) -> None:
        """Redraw all lines."""
        shown = need("IPython.display", "Progress in a notebook")
        percent = f"{100 * data.progress:.0f} %"
        self._lines[data.id] = (
            f"<div>{for_html(data.label())} "
            f"<progress value='{data.progress:.4f}' max='1'></progress> "
            f"{percent}, {_ended(data)}/{len(data.runs)} runs, {data.state}</div>"
        )
        picture = shown.HTML("".join(self._lines.values()))
        if self._handle is None:
            self._handle = shown.display(picture, display_id=True)
        else:
            self._handle.update(picture)


def choose_display(progress: bool | Display | None) -> Display:
    """A given display; else bars where someone is likely to watch, or where they are asked for."""
    if isinstance(progress, Display):
        return progress
    if progress is False:
        return Display()
    if in_notebook():
        return NotebookDisplay()
    if progress or sys.stderr.isatty():
        return TerminalDisplay()
    return Display()


def _shortened(data: ExperimentData) -> str:
    label = data.label()
    return label if len(label) <= LABEL else label[: LABEL - 1] + "…"


def _ended(data: ExperimentData) -> int:
    return sum(run.state in TERMINAL for run in data.runs)
