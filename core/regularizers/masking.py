"""Masks of a text drawn anew in every epoch: one text gives ever new examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from reglab.core.datasets.base import Dataset, Examples
from reglab.core.regularizers.base import Regularizer
from reglab.core.spec import MaskingAugmentation, RunSpec


@dataclass(frozen=True)
class Masking(Regularizer):
    """Replaces the training examples by others of the same text, which the dataset draws."""

    stream: str | None = "augmentation"
    rewrites: ClassVar[bool] = True

    @classmethod
    def of(cls, spec: RunSpec) -> Self | None:
        """Active for ``regularization.augmentation`` named 'masking'."""
        return cls() if isinstance(spec.regularization.augmentation, MaskingAugmentation) else None

    def redraw(self, rng: np.random.Generator, data: Dataset) -> Examples:
        """New windows and words."""
        assert data.redraw is not None
        return data.redraw(rng)
