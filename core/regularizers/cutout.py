"""Cutout (DeVries and Taylor, 2017): a square of each image is blank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from reglab.core.regularizers.augmentation import Augmentation
from reglab.core.regularizers.base import Epoch
from reglab.core.spec import CutoutAugmentation
from reglab.core.spec.augmentation import AugmentationBase


@dataclass(frozen=True)
class Cutout(Augmentation):
    """With a probability an image, zeroes a square about a random pixel, cut off at the edges."""

    size: int
    probability: float
    model: ClassVar[type[AugmentationBase]] = CutoutAugmentation

    def inputs(self, rng: np.random.Generator, epoch: Epoch) -> Epoch:
        """Draws, for all examples in order, whether each is changed, then the centres."""
        images = epoch.images()
        count, height, width = images.shape
        chosen = np.less(rng.random(count), self.probability)
        centres = rng.integers(0, (height, width), size=(count, 2))
        blank: NDArray[np.bool_] = chosen.reshape(-1, 1, 1)
        for axis, length in enumerate((height, width)):
            first = centres[:, axis, None] - self.size // 2
            at = np.arange(length)
            inside = (at >= first) & (at < first + self.size)
            blank = blank & np.expand_dims(inside, 2 - axis)
        images[blank] = 0
        return epoch
