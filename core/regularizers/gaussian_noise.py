"""Noise added to the inputs, for small noise like Tikhonov regularization (Bishop, 1995)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reglab.core.regularizers.augmentation import Augmentation
from reglab.core.regularizers.base import Epoch
from reglab.core.spec import GaussianNoiseAugmentation
from reglab.core.spec.augmentation import AugmentationBase


@dataclass(frozen=True)
class GaussianNoise(Augmentation):
    """With a probability an example, adds independent N(0, std^2) to each of its inputs."""

    std: float
    probability: float
    model: ClassVar[type[AugmentationBase]] = GaussianNoiseAugmentation

    def inputs(self, rng: np.random.Generator, epoch: Epoch) -> Epoch:
        """Draws whether each example is changed, then noise (n, d) for those that are."""
        chosen = rng.random(len(epoch.inputs)) < self.probability
        shape = (int(chosen.sum()), epoch.inputs.shape[1])
        epoch.inputs[chosen] += np.float32(self.std) * rng.standard_normal(shape, np.float32)
        return epoch
