"""The regularizers: a new one is a file here, a field of the spec and a line in ``REGISTRY``."""

from __future__ import annotations

from reglab.core.regularizers.base import NO_MASKS, Epoch, Masks, Penalty, Regularizer, Sizes
from reglab.core.regularizers.cutout import Cutout
from reglab.core.regularizers.dropout import Dropout
from reglab.core.regularizers.elastic import Elastic
from reglab.core.regularizers.gaussian_noise import GaussianNoise
from reglab.core.regularizers.input_dropout import InputDropout
from reglab.core.regularizers.label_smoothing import LabelSmoothing
from reglab.core.regularizers.masking import Masking
from reglab.core.regularizers.max_norm import MaxNorm
from reglab.core.regularizers.mixup import Mixup
from reglab.core.regularizers.rotation import Rotation
from reglab.core.regularizers.scaling import Scaling
from reglab.core.regularizers.shift import LaidOutShift, Shift
from reglab.core.regularizers.weight_decay import L1, L2
from reglab.core.spec import RunSpec

REGISTRY: tuple[type[Regularizer], ...] = (
    L2,
    L1,
    Dropout,
    LabelSmoothing,
    Shift,
    LaidOutShift,
    Rotation,
    Scaling,
    Elastic,
    GaussianNoise,
    Cutout,
    Mixup,
    Masking,
    InputDropout,
    MaxNorm,
)

__all__ = [
    "NO_MASKS",
    "REGISTRY",
    "Epoch",
    "Masks",
    "Penalty",
    "Regularizer",
    "Sizes",
    "active",
]


def active(spec: RunSpec) -> list[Regularizer]:
    """The regularizers that a spec turns on, in the registry's order."""
    found = (kind.of(spec) for kind in REGISTRY)
    return [regularizer for regularizer in found if regularizer is not None]
