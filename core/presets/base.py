"""What a preset is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Preset:
    """A named experiment of the article.

    Attributes:
        name: As in ``{"preset": name}``.
        title: For people.
        description: What it shows, in a sentence or two.
        figures: Names of the article figures that its runs feed.
        document: The spec as a JSON document.
        substitute: Dataset to fall back to where the preset's own cannot be had.
    """

    name: str
    title: str
    description: str
    figures: tuple[str, ...]
    document: dict[str, Any]
    substitute: str | None = None
