"""Claims as a Markdown document, from what the API gives.

``python -m reglab.core.claims.document claims.json notes.md > claims.md``
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

WORDS = {
    "supported": "supported",
    "not_supported": "**not supported**",
    "undecided": "*undecided*",
    "not_discriminating": "**does not discriminate**",
}
HEAD = (
    "| claim | statistic (mean over seeds) | value | 95 % interval | needs | seeds "
    "| p | p, corrected | verdict | control |\n"
    "|---|---|---:|---|---|---:|---:|---:|---|---|"
)


def markdown(document: Mapping[str, Any], level: int = 2) -> str:
    """A table for each section with every measured claim's numbers, verdict and control.

    Sanity checks have one of their own, the last; reasons of thresholds are below the tables, then
    what the seeds vary and what made the runs. ``level`` is that of the sections' headings.
    """
    rows = document["items"]
    findings = [row for row in rows if row["kind"] == "finding"]
    parts = [f"{_counts(findings)}\n"]
    measured = [row for row in findings if row["value"] is not None]
    for section in dict.fromkeys(row["section"] for row in measured):
        members = [row for row in measured if row["section"] == section]
        parts.append(_table(section, members, level))
    checks = [row for row in rows if row["kind"] == "sanity" and row["value"] is not None]
    if checks:
        parts.append(_table("Sanity checks", checks, level))
    absent = [f"`{row['id']}`" for row in rows if row["value"] is None]
    if absent:
        parts.append(f"These runs do not bear on {', '.join(absent)}.\n")
    parts.append(f"{document['varied']} {document['made_by']}".strip() + "\n")
    return "\n".join(parts)


def _table(section: str, rows: Sequence[Mapping[str, Any]], level: int) -> str:
    lines = [f"{'#' * level} {section}\n", HEAD, *(_line(row) for row in rows)]
    reasons = [
        f"- `{row['id']}` needs {row['threshold']}: {row['threshold_reason']}"
        for row in rows
        if row["threshold_reason"]
    ]
    return "\n".join([*lines, *(["\nThresholds:\n", *reasons] if reasons else [])]) + "\n"


def _counts(rows: Sequence[Mapping[str, Any]]) -> str:
    found = [row["verdict"] for row in rows]
    return (
        f"Of {len(rows)} claims, {found.count('supported')} are supported, "
        f"{found.count('not_supported')} are not supported, {found.count('undecided')} are "
        f"undecided, {found.count('not_discriminating')} do not discriminate, and "
        f"{found.count(None)} do not apply to these runs. Sanity checks are not counted."
    )


def _line(row: Mapping[str, Any]) -> str:
    cells = (
        f"`{row['id']}`<br>{row['text']}",
        row["statistic"].replace("|", "\\|"),
        f"{row['value']:.4g}",
        _interval(row),
        row["threshold"],
        str(row["seeds"]),
        "" if row["p_value"] is None else f"{row['p_value']:.2g}",
        "" if row["p_adjusted"] is None else f"{row['p_adjusted']:.2g}",
        WORDS[row["verdict"]] + _turns(row),
        _control(row["control"]),
    )
    return f"| {' | '.join(cells)} |"


def _interval(row: Mapping[str, Any]) -> str:
    return "" if row["low"] is None else f"{row['low']:.4g} to {row['high']:.4g}"


def _turns(row: Mapping[str, Any]) -> str:
    told = (f"{WORDS[verdict]} if {region}" for region, verdict in row["turns"].items())
    fragile = "<br>fragile: turns with the last bit" if row["fragile"] else ""
    return "".join(f"<br>threshold-sensitive: {each}" for each in told) + fragile


def _control(control: Mapping[str, Any] | None) -> str:
    if control is None:
        return ""
    if control["value"] is None:
        return f"{control['text']}: not measured"
    interval = f" ({_interval(control)})" if control["low"] is not None else ""
    return f"{control['text']}: {control['value']:.4g}{interval}, {WORDS[control['verdict']]}"


def main(arguments: Sequence[str]) -> None:
    """Print the document of a file of claims, with a file of notes above the tables."""
    found, notes = (Path(argument).read_text("utf-8") for argument in arguments)
    print(f"{notes.rstrip()}\n\n## Numbers\n{markdown(json.loads(found), 3)}", end="")


if __name__ == "__main__":
    main(sys.argv[1:])
