"""Measurable statements, the article's first: a new one is a file here and a line in REGISTRY."""

from __future__ import annotations

from reglab.core.claims import (
    augmentation,
    augmentations,
    batch_size,
    closed_forms,
    decay_boundaries,
    decay_methods,
    dropout,
    early_stopping,
    ensembles,
    label_smoothing,
    masked_text,
    sparsity,
    temperature,
    validation_stopping,
    weight_decay,
)
from reglab.core.claims.base import (
    MINIMUM_SEEDS,
    Claim,
    Control,
    Kind,
    Outcome,
    Runs,
    Verdict,
    decide,
)
from reglab.core.claims.regions import Region
from reglab.core.errors import NotMeasurableError
from reglab.core.spec import RunSpec
from reglab.core.statistics import Adjustment

REGISTRY: dict[str, Claim] = {
    claim.id: claim
    for claim in (
        *augmentation.CLAIMS,
        *weight_decay.CLAIMS,
        *decay_boundaries.CLAIMS,
        *sparsity.CLAIMS,
        *dropout.CLAIMS,
        *label_smoothing.CLAIMS,
        *early_stopping.CLAIMS,
        *validation_stopping.CLAIMS,
        *decay_methods.CLAIMS,
        *temperature.CLAIMS,
        *batch_size.CLAIMS,
        *ensembles.CLAIMS,
        *augmentations.CLAIMS,
        *closed_forms.CLAIMS,
        *masked_text.CLAIMS,
    )
}

__all__ = [
    "MINIMUM_SEEDS",
    "REGISTRY",
    "Claim",
    "Control",
    "Kind",
    "NotMeasurableError",
    "Outcome",
    "Region",
    "Runs",
    "Verdict",
    "decide",
    "evaluate",
    "is_for_control",
    "trained_controls",
]


def evaluate(runs: Runs, adjust: Adjustment = "holm") -> list[Outcome]:
    """What these runs say about every claim, in the article's order, decided together."""
    own = [run for run in runs if not is_for_control(run.spec)]
    found = []
    for claim in REGISTRY.values():
        control = claim.control
        mine = [run for run in runs if control.is_of(run.spec)] if control else []
        found.append(claim.outcome([*own, *mine]))
    return decide(found, adjust)


def trained_controls(preset: str | None = None) -> list[Control]:
    """The controls whose runs are trained for them alone, each once; of one preset or all."""
    chosen = [one for one in REGISTRY.values() if preset is None or preset in one.presets]
    found = [one.control for one in chosen if one.control]
    return list({id(control): control for control in found if control.changes}.values())


def is_for_control(spec: RunSpec) -> bool:
    """Whether runs of this spec are a control, and no evidence for a claim."""
    return any(control.is_of(spec) for control in trained_controls())
