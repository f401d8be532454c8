"""Cutout (DeVries and Taylor, 2017): a square of each image is blank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from reglab.core.regularizers.base import Epoch, Regularizer
from reglab.core.spec import CutoutAugmentation, RunSpec


@dataclass(frozen=True)
class Cutout(Regularizer):
    """With a probability an image, zeroes a square about a random pixel, cut off at the edges."""

    size: int
    probability: float
    stream: str | None = "augmentation"
    rewrites: ClassVar[bool] = True

    @classmethod
    def of(cls, spec: RunSpec) -> Self | None:
        """Active for ``regularization.augmentation`` named 'cutout'."""
        wanted = spec.regularization.augmentation
        if not isinstance(wanted, CutoutAugmentation):
            return None
        return cls(wanted.size, wanted.probability)

    def rewrite(self, rng: np.random.Generator, epoch: Epoch) -> Epoch:
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
