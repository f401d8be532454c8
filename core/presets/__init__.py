"""Experiments by name, the article's first; a new one is a file in ``data``, in whose order it is.

A file is named ``<number>-<name>.json`` and holds the fields of ``Preset``, the name left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from reglab.core.errors import FieldProblem, SpecError, suggestion
from reglab.core.spec import ExperimentSpec, Laid, lay, parse_spec

__all__ = ["PRESETS", "Preset", "build", "changed"]


class Preset(BaseModel):
    """A named experiment.

    Attributes:
        name: As in ``{"preset": name}``.
        title: For people.
        description: What it shows, in a sentence or two.
        article: Whether the experiment is one of the article's six; the others go past it.
        figures: Names of the figures that its runs feed.
        substitute: Dataset to fall back to where the preset's own is unavailable.
        document: The spec as a JSON document; ``spec`` in the file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str
    description: str
    article: bool
    figures: tuple[str, ...]
    substitute: str | None
    document: dict[str, Any] = Field(alias="spec")

    @cached_property
    def spec(self) -> ExperimentSpec:
        """The document, validated."""
        return parse_spec(self.document)


class _Presets(Mapping[str, Preset]):
    """Read when first asked for."""

    @cached_property
    def _by_name(self) -> dict[str, Preset]:
        found = {}
        data = files(__name__) / "data"
        for file in sorted(data.iterdir(), key=lambda each: each.name):
            _, name = file.name.removesuffix(".json").split("-", 1)
            document = json.loads(file.read_text(encoding="utf-8"))
            found[name] = Preset.model_validate({"name": name, **document})
        return found

    def __getitem__(self, name: str) -> Preset:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)


PRESETS: Mapping[str, Preset] = _Presets()


def build(name: str, overrides: dict[str, Any] | None = None) -> ExperimentSpec:
    """The preset's spec with overrides laid over it (see ``core.spec.lay``).

    Raises:
        SpecError: No such preset, or an override that its field refuses.
    """
    return parse_spec(changed(name, overrides or {}).document)


def changed(name: str, overrides: dict[str, Any]) -> Laid:
    """The preset's document with overrides laid over it, and what another kind dropped.

    Raises:
        SpecError: No such preset, or overrides that contradict themselves.
    """
    if name not in PRESETS:
        remedy = f"{suggestion(name, PRESETS)}Known presets: {', '.join(PRESETS)}."
        raise SpecError(FieldProblem("preset", f"There is no preset '{name[:100]}'.", remedy))
    return lay(PRESETS[name].document, overrides)
