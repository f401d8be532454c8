"""The HTML report: figures with captions, and what they were drawn from."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment

TEMPLATE = files("reglab.core.figures").joinpath("report.html.jinja")


def write_report(
    folder: Path,
    figures: Sequence[tuple[str, Path, str]],
    experiments: Sequence[dict[str, Any]],
    notes: Sequence[str] = (),
    claims: Sequence[dict[str, Any]] = (),
    claims_figure: tuple[Path, str] | None = None,
) -> Path:
    """Write ``report.html`` into a folder.

    Args:
        folder: Where to write; paths of figures are made relative to it.
        figures: Name, file and caption of each.
        experiments: Documents as the API gives them, with runs and their summaries.
        notes: Warnings to show on top, such as stand-in datasets.
        claims: Rows as ``GET .../claims`` gives them; they get a section of their own.
        claims_figure: File and caption of the figure ``claims``.
    """
    page = Environment(autoescape=True).from_string(TEMPLATE.read_text("utf-8"))
    relative = [
        (name, Path(os.path.relpath(path, folder)).as_posix(), text) for name, path, text in figures
    ]
    text = page.render(
        figures=relative,
        experiments=experiments,
        notes=notes,
        sources=_sources(experiments),
        claims=[row for row in claims if row["value"] is not None],
        absent=[row for row in claims if row["value"] is None],
        claims_figure=_relative(claims_figure, folder),
    )
    path = folder / "report.html"
    path.write_text(text, encoding="utf-8")
    return path


def _relative(figure: tuple[Path, str] | None, folder: Path) -> tuple[str, str] | None:
    if figure is None:
        return None
    return Path(os.path.relpath(figure[0], folder)).as_posix(), figure[1]


def _sources(experiments: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for experiment in experiments:
        for run in experiment["runs"]:
            source = run["summary"]["provenance"]
            entry = {"title": source["source"], "licence": source["licence"]}
            found[source["source"]] = entry | {"files": source.get("files", {})}
    return list(found.values())
