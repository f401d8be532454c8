"""Rotation augmentation: each image turned about its centre."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reglab.core.elementary import sine_and_cosine
from reglab.core.regularizers.augmentation import Augmentation
from reglab.core.regularizers.base import Epoch
from reglab.core.regularizers.warping import warp_linear
from reglab.core.spec import RotationAugmentation
from reglab.core.spec.augmentation import AugmentationBase


@dataclass(frozen=True)
class Rotation(Augmentation):
    """With a probability an image, turns it by an angle uniform within +-degrees."""

    degrees: float
    probability: float
    model: ClassVar[type[AugmentationBase]] = RotationAugmentation

    def inputs(self, rng: np.random.Generator, epoch: Epoch) -> Epoch:
        """Draws, for all examples in order, whether each is changed, then the angles."""
        images = epoch.images()
        chosen = rng.random(len(images)) < self.probability
        angles = np.deg2rad(rng.uniform(-self.degrees, self.degrees, len(images)))[chosen]
        sine, cosine = sine_and_cosine(angles)
        matrices = np.stack([cosine, sine, -sine, cosine], axis=-1).reshape(-1, 2, 2)
        images[chosen] = warp_linear(images[chosen], matrices)
        return epoch
