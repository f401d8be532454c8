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
) -> Path:
    """Write ``report.html`` into a folder.

    Args:
        folder: Where to write; paths of figures are made relative to it.
        figures: Name, file and caption of each.
        experiments: Documents as the API gives them, with runs and their summaries.
        notes: Warnings to show on top, such as stand-in datasets.
    """
    page = Environment(autoescape=True).from_string(TEMPLATE.read_text("utf-8"))
    relative = [
        (name, Path(os.path.relpath(path, folder)).as_posix(), text) for name, path, text in figures
    ]
    text = page.render(
        figures=relative, experiments=experiments, notes=notes, sources=_sources(experiments)
    )
    path = folder / "report.html"
    path.write_text(text, encoding="utf-8")
    return path


def _sources(experiments: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for experiment in experiments:
        for run in experiment["runs"]:
            source = run["summary"]["provenance"]
            entry = {"title": source["source"], "licence": source["licence"]}
            found[source["source"]] = entry | {"files": source.get("files", {})}
    return list(found.values())
