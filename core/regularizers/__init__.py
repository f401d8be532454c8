"""The regularizers: a new one is a file here, a field of the spec and a line in ``REGISTRY``."""

from __future__ import annotations

from reglab.core.regularizers.base import Decay, Regularizer, Sizes
from reglab.core.regularizers.dropout import Dropout
from reglab.core.regularizers.label_smoothing import LabelSmoothing
from reglab.core.regularizers.shift import Shift
from reglab.core.regularizers.weight_decay import L1, L2
from reglab.core.spec import RunSpec

REGISTRY: tuple[type[Regularizer], ...] = (L2, L1, Dropout, LabelSmoothing, Shift)

__all__ = ["REGISTRY", "Decay", "Regularizer", "Sizes", "active"]


def active(spec: RunSpec) -> list[Regularizer]:
    """The regularizers that a spec turns on, in the registry's order."""
    found = (kind.of(spec) for kind in REGISTRY)
    return [regularizer for regularizer in found if regularizer is not None]
