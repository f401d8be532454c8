"""Experiments by name, the article's first; a new one is a module and a line in ``PRESETS``."""

from __future__ import annotations

from typing import Any

from reglab.core.errors import FieldProblem, SpecError, suggestion
from reglab.core.presets import (
    adamw,
    augmentation,
    augmentations,
    batch_size,
    dropout,
    early_stopping,
    early_stopping_validation,
    ensembles,
    l1,
    l2,
    label_smoothing,
    linear_spectrum,
    masked_text,
    proximal_l1,
    relu_scale,
    temperature_scaling,
)
from reglab.core.presets.base import Preset
from reglab.core.spec import ExperimentSpec, Laid, lay, parse_spec

PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        augmentation.PRESET,
        l2.PRESET,
        l1.PRESET,
        dropout.PRESET,
        label_smoothing.PRESET,
        early_stopping.PRESET,
        early_stopping_validation.PRESET,
        adamw.PRESET,
        proximal_l1.PRESET,
        temperature_scaling.PRESET,
        batch_size.PRESET,
        ensembles.PRESET,
        augmentations.PRESET,
        relu_scale.PRESET,
        linear_spectrum.PRESET,
        masked_text.PRESET,
    )
}

__all__ = ["PRESETS", "Preset", "build", "changed"]


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
