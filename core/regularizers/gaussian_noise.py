"""Noise added to the inputs, for small noise like Tikhonov regularization (Bishop, 1995)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from reglab.core.regularizers.base import Epoch, Regularizer
from reglab.core.spec import GaussianNoiseAugmentation, RunSpec


@dataclass(frozen=True)
class GaussianNoise(Regularizer):
    """With a probability an example, adds independent N(0, std^2) to each of its inputs."""

    std: float
    probability: float
    stream: str | None = "augmentation"
    rewrites: ClassVar[bool] = True

    @classmethod
    def of(cls, spec: RunSpec) -> Self | None:
        """Active for ``regularization.augmentation`` named 'gaussian_noise'."""
        wanted = spec.regularization.augmentation
        if not isinstance(wanted, GaussianNoiseAugmentation):
            return None
        return cls(wanted.std, wanted.probability)

    def rewrite(self, rng: np.random.Generator, epoch: Epoch) -> Epoch:
        """Draws whether each example is changed, then noise (n, d) for those that are."""
        chosen = rng.random(len(epoch.inputs)) < self.probability
        shape = (int(chosen.sum()), epoch.inputs.shape[1])
        epoch.inputs[chosen] += np.float32(self.std) * rng.standard_normal(shape, np.float32)
        return epoch
