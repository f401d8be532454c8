"""What commands print: JSON for programs, tables and sparklines for people."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import typer
from pydantic import BaseModel
from rich.console import Console

from reglab.client.show import rich_table

BARS = "▁▂▃▄▅▆▇█"
PLAIN_WIDTH = 200


def console() -> Console:
    """Standard output; wide enough for tables where it is no terminal."""
    return Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False)


def print_json(value: Any, err: bool = False) -> None:
    """Models, tables, lists of them, or anything that JSON knows."""
    # JSON says the same in ASCII, where a terminal has no more.
    stream = sys.stderr if err else sys.stdout
    in_ascii = not (stream.encoding or "").lower().startswith("utf")
    typer.echo(json.dumps(_plain(value), indent=2, ensure_ascii=in_ascii), err=err)


def print_table(table: Mapping[str, Sequence[Any]], title: str | None = None) -> None:
    """A table for people."""
    console().print(rich_table(table, title))


def sparkline(values: Sequence[float | None], width: int = 24) -> str:
    """The values' course in one line of bars, from the smallest to the largest."""
    finite = [value for value in values if value is not None and math.isfinite(value)]
    if not finite:
        return ""
    if len(finite) > width:
        finite = [finite[at * (len(finite) - 1) // (width - 1)] for at in range(width)]
    low, high = min(finite), max(finite)
    scale = (len(BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(BARS[round((value - low) * scale)] for value in finite)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
