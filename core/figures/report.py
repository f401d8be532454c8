"""The HTML report, one file: figures with captions, claims, and what they were drawn from."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import Environment

WORDS = {
    "supported": "supported",
    "not_supported": "not supported",
    "undecided": "undecided",
    "not_discriminating": "does not discriminate",
}
TEMPLATE = files("reglab.core.figures").joinpath("report.html.jinja")


@dataclass(frozen=True)
class Picture:
    """One figure of the report."""

    name: str
    caption: str
    png: bytes

    @property
    def source(self) -> str:
        """The picture as a data URI, so that the report is one file."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode()


def render_report(
    pictures: Sequence[Picture],
    experiments: Sequence[Mapping[str, Any]],
    notes: Sequence[str] = (),
    claims: Sequence[Mapping[str, Any]] = (),
    claims_figure: Picture | None = None,
    robustness: Mapping[str, Any] | None = None,
    varied: str = "",
) -> str:
    """The page.

    Args:
        pictures: Figures in order.
        experiments: Documents as the API gives them, with runs and their summaries.
        notes: Warnings to show on top, such as stand-in datasets.
        claims: Rows as ``GET .../claims`` gives them; they get a section of their own.
        claims_figure: The figure ``claims``.
        robustness: As ``GET /robustness`` gives it.
        varied: What differs between the seeds of the claims' runs.
    """
    page = Environment(autoescape=True).from_string(TEMPLATE.read_text("utf-8"))
    runs = [run for one in experiments for run in one["runs"] if run["summary"]]
    return page.render(
        figures=pictures,
        experiments=experiments,
        notes=notes,
        sources=_sources(runs),
        claims=[row for row in claims if row["value"] is not None and row["kind"] == "finding"],
        checks=[row for row in claims if row["value"] is not None and row["kind"] == "sanity"],
        absent=[row for row in claims if row["value"] is None],
        claims_figure=claims_figure,
        robustness=robustness,
        varied=varied,
        words=WORDS,
    )


def _sources(runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for run in runs:
        source = run["summary"].get("provenance")
        if source:
            title = source.get("source") or "Not said"
            entry = {"title": title, "licence": source.get("licence") or "not said"}
            found[title] = entry | {"files": source.get("files") or {}}
    return list(found.values())
