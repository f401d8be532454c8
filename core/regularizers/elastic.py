"""Elastic distortion (Simard, Steinkraus and Platt, 2003): images bent along a smooth field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from reglab.core.elementary import exp
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
        field = rng.uniform(-1, 1, shape)
        weights = gaussian_weights(self.sigma)
        for axis in (2, 3):
            field = correlate1d(field, weights, axis, mode="constant")
        return np.asarray(self.alpha * field)


def gaussian_weights(sigma: float) -> NDArray[np.float64]:
    """Those of ``scipy.ndimage.gaussian_filter``: to 4 sigma, with the sum 1."""
    radius = int(4 * sigma + 0.5)
    x = np.arange(-radius, radius + 1)
    weights = exp(-0.5 / (sigma * sigma) * x**2)
    return np.asarray(weights / weights.sum())
