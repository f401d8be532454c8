"""Elastic distortion (Simard, Steinkraus and Platt, 2003): images bent along a smooth field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from reglab.core.regularizers.augmentation import Augmentation
from reglab.core.regularizers.base import Epoch
from reglab.core.regularizers.warping import warp
from reglab.core.spec import ElasticAugmentation
from reglab.core.spec.augmentation import AugmentationBase


@dataclass(frozen=True)
class Elastic(Augmentation):
    """Displaces pixels by alpha times a field uniform on [-1, 1], smoothed with width sigma."""

    alpha: float
    sigma: float
    probability: float
    model: ClassVar[type[AugmentationBase]] = ElasticAugmentation

    def inputs(self, rng: np.random.Generator, epoch: Epoch) -> Epoch:
        """Draws whether each example is changed, then (2, n, H, W) of fields for those that are."""
        images = epoch.images()
        chosen = rng.random(len(images)) < self.probability
        count, (height, width) = int(chosen.sum()), images.shape[1:]
        rows, columns = self._fields(rng, (2, count, height, width))
        images[chosen] = warp(
            images[chosen],
            np.arange(height)[None, :, None] + rows,
            np.arange(width)[None, None, :] + columns,
        )
        return epoch

    def _fields(
        self, rng: np.random.Generator, shape: tuple[int, int, int, int]
    ) -> NDArray[np.float64]:
        raw = rng.uniform(-1, 1, shape)
        width = (0, 0, self.sigma, self.sigma)
        return np.asarray(self.alpha * gaussian_filter(raw, width, mode="constant"))
