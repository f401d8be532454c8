"""The article's measurable statements: a new one is a file here and a line in ``REGISTRY``."""

from __future__ import annotations

from reglab.core.claims import augmentation, dropout, early_stopping, label_smoothing, weight_decay
from reglab.core.claims.base import (
    MINIMUM_SEEDS,
    Claim,
    NotMeasurable,
    Outcome,
    Region,
    Runs,
    Verdict,
)

REGISTRY: dict[str, Claim] = {
    claim.id: claim
    for claim in (
        *augmentation.CLAIMS,
        *weight_decay.CLAIMS,
        *dropout.CLAIMS,
        *label_smoothing.CLAIMS,
        *early_stopping.CLAIMS,
    )
}

__all__ = [
    "MINIMUM_SEEDS",
    "REGISTRY",
    "Claim",
    "NotMeasurable",
    "Outcome",
    "Region",
    "Runs",
    "Verdict",
    "evaluate",
]


def evaluate(runs: Runs) -> list[Outcome]:
    """What these runs say about every claim, in the article's order."""
    return [claim.evaluate(runs) for claim in REGISTRY.values()]
