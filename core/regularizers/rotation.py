"""Rotation augmentation: each image turned about its centre."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from reglab.core.regularizers.base import Epoch, Regularizer
from reglab.core.regularizers.warping import warp_linear
from reglab.core.spec import RotationAugmentation, RunSpec


@dataclass(frozen=True)
class Rotation(Regularizer):
    """With a probability an image, turns it by an angle uniform within +-degrees."""

    degrees: float
    probability: float
    stream: str | None = "augmentation"
    rewrites: ClassVar[bool] = True

    @classmethod
    def of(cls, spec: RunSpec) -> Self | None:
        """Active for ``regularization.augmentation`` named 'rotation'."""
        wanted = spec.regularization.augmentation
        if not isinstance(wanted, RotationAugmentation):
            return None
        return cls(wanted.degrees, wanted.probability)

    def rewrite(self, rng: np.random.Generator, epoch: Epoch) -> Epoch:
        """Draws, for all examples in order, whether each is changed, then the angles."""
        images = epoch.images()
        chosen = rng.random(len(images)) < self.probability
        angles = np.deg2rad(rng.uniform(-self.degrees, self.degrees, len(images)))[chosen]
        cosine, sine = np.cos(angles), np.sin(angles)
        matrices = np.stack([cosine, sine, -sine, cosine], axis=-1).reshape(-1, 2, 2)
        images[chosen] = warp_linear(images[chosen], matrices)
        return epoch
