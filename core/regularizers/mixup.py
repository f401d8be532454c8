"""Mixup (Zhang, Cisse, Dauphin and Lopez-Paz, 2018): training on mixtures of two examples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from reglab.core.regularizers.augmentation import Augmentation
from reglab.core.regularizers.base import Epoch
from reglab.core.spec import MixupAugmentation
from reglab.core.spec.augmentation import AugmentationBase


@dataclass(frozen=True)
class Mixup(Augmentation):
    """x = s x_i + (1 - s) x_j and the same of the targets; s ~ Beta(alpha, alpha), j of the batch.

    j runs over a random permutation of the batch, so that an example may meet itself.
    """

    alpha: float
    model: ClassVar[type[AugmentationBase]] = MixupAugmentation

    def inputs(self, rng: np.random.Generator, epoch: Epoch) -> Epoch:
        """Draws the shares of all examples in order, then a permutation of each batch."""
        count = len(epoch.inputs)
        share = rng.beta(self.alpha, self.alpha, count).astype(np.float32)[:, None]
        starts = range(0, count, epoch.batch_size)
        sizes = [min(epoch.batch_size, count - start) for start in starts]
        partner = np.concatenate(
            [start + rng.permutation(size) for start, size in zip(starts, sizes, strict=True)]
        )
        rest = np.float32(1) - share
        return replace(
            epoch,
            inputs=share * epoch.inputs + rest * epoch.inputs[partner],
            targets=share * epoch.targets + rest * epoch.targets[partner],
        )
