"""Tables for people: HTML for a notebook, rich tables for a terminal."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.table import Table as RichTable
from rich.text import Text

from reglab.client.models import ExperimentData
from reglab.client.tables import Table, plain
from reglab.client.text import for_html, for_terminal

COLOURS = {
    "queued": "dim",
    "running": "cyan",
    "succeeded": "green",
    "failed": "red",
    "cancelled": "yellow",
}
MOST_ROWS = 60


def run_table(data: ExperimentData) -> Table:
    """The runs of an experiment: sweep values, state, and the final numbers."""
    rows = []
    for run in data.runs:
        final = (run.summary or {}).get("final", {})
        rows.append(
            {
                "run": run.index,
                **{path: plain(value) for path, value in run.params.items()},
                "seed": run.seed,
                "state": run.state,
                "epoch": run.epoch,
                "test_loss": final.get("test_loss"),
                "test_accuracy": final.get("test_accuracy"),
                "ece": (run.summary or {}).get("ece"),
            }
        )
    return Table.of_rows(rows)


def cell(value: Any) -> str:
    """One value in few characters."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


def html_table(table: Mapping[str, Sequence[Any]]) -> str:
    """The table as HTML; long ones are cut in the middle."""
    rows = list(zip(*table.values(), strict=True))
    left_out = len(rows) - MOST_ROWS
    if left_out > 0:
        rows = rows[: MOST_ROWS // 2] + rows[-MOST_ROWS // 2 :]
    head = "".join(f"<th>{for_html(name)}</th>" for name in table)
    body = "".join(
        "<tr>" + "".join(f"<td>{for_html(cell(value))}</td>" for value in row) + "</tr>"
        for row in rows
    )
    note = f"<p>{left_out} rows in between are not shown.</p>" if left_out > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}"


def as_text(table: Mapping[str, Sequence[Any]], width: int = 120) -> str:
    """The table as plain text of this width."""
    console = Console(width=width, file=io.StringIO(), color_system=None, highlight=False)
    with console.capture() as written:
        console.print(rich_table(table))
    return written.get().rstrip()


def rich_table(table: Mapping[str, Sequence[Any]], title: str | None = None) -> RichTable:
    """The table for a terminal; numbers to the right, states in colour."""
    shown = RichTable(
        title=None if title is None else Text(for_terminal(title)),
        title_justify="left",
        header_style="bold",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    for name, values in table.items():
        numeric = all(isinstance(value, int | float | None) for value in values)
        # A number that is broken over lines reads as another number.
        side: JustifyMethod = "right" if numeric else "left"
        header = Text(for_terminal(name))
        shown.add_column(header, justify=side, overflow="fold", no_wrap=numeric)
    for row in zip(*table.values(), strict=True):
        cells = []
        for value in row:
            text = for_terminal(cell(value))
            cells.append(Text(text, style=COLOURS.get(text, "")))
        shown.add_row(*cells)
    return shown
