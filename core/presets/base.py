"""What a preset is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Preset:
    """A named experiment.

    Attributes:
        name: As in ``{"preset": name}``.
        title: For people.
        description: What it shows, in a sentence or two.
        figures: Names of the figures that its runs feed.
        document: The spec as a JSON document.
        substitute: Dataset to fall back to where the preset's own cannot be had.
        article: Whether the experiment is one of the article's six; the others go past it.
    """

    name: str
    title: str
    description: str
    figures: tuple[str, ...]
    document: dict[str, Any]
    substitute: str | None = None
    article: bool = False
