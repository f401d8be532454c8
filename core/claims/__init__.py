"""Measurable statements, the article's first: a new one is a file here and a line in REGISTRY."""

from __future__ import annotations

from reglab.core.claims import (
    augmentation,
    augmentations,
    batch_size,
    closed_forms,
    decay_methods,
    dropout,
    early_stopping,
    ensembles,
    label_smoothing,
    masked_text,
    temperature,
    validation_stopping,
    weight_decay,
)
from reglab.core.claims.base import (
    MINIMUM_SEEDS,
    Claim,
    Outcome,
    Region,
    Runs,
    Verdict,
    decide,
)
from reglab.core.errors import NotMeasurableError
from reglab.core.statistics import Adjustment

REGISTRY: dict[str, Claim] = {
    claim.id: claim
    for claim in (
        *augmentation.CLAIMS,
        *weight_decay.CLAIMS,
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
    "NotMeasurableError",
    "Outcome",
    "Region",
    "Runs",
    "Verdict",
    "decide",
    "evaluate",
]


def evaluate(runs: Runs, adjust: Adjustment = "holm") -> list[Outcome]:
    """What these runs say about every claim, in the article's order, decided together."""
    return decide([claim.outcome(runs) for claim in REGISTRY.values()], adjust)
