"""Masks of a text drawn anew in every epoch: one text gives ever new examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reglab.core.datasets.base import Dataset, Examples
from reglab.core.regularizers.augmentation import Augmentation
from reglab.core.spec import MaskingAugmentation
from reglab.core.spec.augmentation import AugmentationBase


@dataclass(frozen=True)
class Masking(Augmentation):
    """Replaces the training examples by others of the same text, which the dataset draws."""

    model: ClassVar[type[AugmentationBase]] = MaskingAugmentation

    def examples(self, rng: np.random.Generator, data: Dataset) -> Examples:
        """New windows and words."""
        assert data.redraw is not None
        return data.redraw(rng)
