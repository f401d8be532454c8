"""Scaling augmentation: each image enlarged or shrunk about its centre."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reglab.core.elementary import exp, log
from reglab.core.regularizers.augmentation import Augmentation
from reglab.core.regularizers.base import Epoch
from reglab.core.regularizers.warping import warp_linear
from reglab.core.spec import ScalingAugmentation
from reglab.core.spec.augmentation import AugmentationBase


@dataclass(frozen=True)
class Scaling(Augmentation):
    """With a probability an image, scales it by a factor log-uniform from 1/factor to factor."""

    factor: float
    probability: float
    model: ClassVar[type[AugmentationBase]] = ScalingAugmentation

    def inputs(self, rng: np.random.Generator, epoch: Epoch) -> Epoch:
        """Draws, for all examples in order, whether each is changed, then the factors."""
        images = epoch.images()
        chosen = rng.random(len(images)) < self.probability
        limit = log(self.factor)
        factors = exp(rng.uniform(-limit, limit, len(images)))[chosen]
        images[chosen] = warp_linear(images[chosen], np.eye(2) / factors[:, None, None])
        return epoch
