"""Claims as a Markdown document, from the rows that the API gives.

``python -m reglab.core.claims.document claims.json notes.md > claims.md``
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

WORDS = {
    "supported": "supported",
    "not_supported": "**not supported**",
    "undecided": "*undecided*",
}
HEAD = (
    "| claim | statistic (mean over seeds) | value | 95 % interval | needs | seeds "
    "| p, corrected | verdict |\n"
    "|---|---|---:|---|---|---:|---:|---|"
)


def markdown(rows: Sequence[Mapping[str, Any]], level: int = 2) -> str:
    """A table for each section with every measured claim's numbers and verdict.

    ``level`` is that of the sections' headings.
    """
    parts = [f"{_counts(rows)}\n"]
    measured = [row for row in rows if row["value"] is not None]
    for section, members in itertools.groupby(measured, key=lambda row: row["section"]):
        lines = [_line(row) for row in members]
        parts.append("\n".join([f"{'#' * level} {section}\n", HEAD, *lines]) + "\n")
    absent = [f"`{row['id']}`" for row in rows if row["value"] is None]
    if absent:
        parts.append(f"These runs do not bear on {', '.join(absent)}.\n")
    return "\n".join(parts)


def _counts(rows: Sequence[Mapping[str, Any]]) -> str:
    found = [row["verdict"] for row in rows]
    return (
        f"Of {len(rows)} claims, {found.count('supported')} are supported, "
        f"{found.count('not_supported')} are not supported, {found.count('undecided')} are "
        f"undecided, and {found.count(None)} do not apply to these runs."
    )


def _line(row: Mapping[str, Any]) -> str:
    interval = "" if row["low"] is None else f"{row['low']:.4g} to {row['high']:.4g}"
    cells = (
        f"`{row['id']}`<br>{row['text']}",
        row["statistic"].replace("|", "\\|"),
        f"{row['value']:.4g}",
        interval,
        row["threshold"],
        str(row["seeds"]),
        "" if row["p_adjusted"] is None else f"{row['p_adjusted']:.2g}",
        WORDS[row["verdict"]],
    )
    return f"| {' | '.join(cells)} |"


def main(arguments: Sequence[str]) -> None:
    """Print the document of a file of rows, with a file of notes above the tables."""
    rows, notes = (Path(argument).read_text("utf-8") for argument in arguments)
    print(f"{notes.rstrip()}\n\n## Numbers\n{markdown(json.loads(rows), 3)}", end="")


if __name__ == "__main__":
    main(sys.argv[1:])
