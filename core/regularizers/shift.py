"""Shift augmentation: each batch moved as a whole by a few pixels, or left alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from reglab.core.regularizers.base import Epoch, Regularizer, Sizes
from reglab.core.spec import RunSpec, ShiftAugmentation


@dataclass(frozen=True)
class Shift(Regularizer):
    """With a probability a batch, draws dx and dy with replacement from the listed shifts."""

    pixels: tuple[int, ...]
    probability: float
    stream: str | None = "augmentation"
    shifts_inputs: ClassVar[bool] = True

    @classmethod
    def of(cls, spec: RunSpec) -> Self | None:
        """Active for ``regularization.augmentation`` named 'shift'."""
        wanted = spec.regularization.augmentation
        if not isinstance(wanted, ShiftAugmentation):
            return None
        return cls(tuple(wanted.pixels), wanted.probability)

    def shifts(self, rng: np.random.Generator, sizes: Sizes) -> NDArray[np.int64]:
        """(batches, 2) int64; (0, 0) where the batch is left alone."""
        moved = rng.random(sizes.batches) < self.probability
        drawn = rng.choice(np.array(self.pixels, np.int64), size=(sizes.batches, 2))
        return np.where(moved[:, None], drawn, 0)


def shift_batches(epoch: Epoch, shifts: NDArray[np.int64]) -> None:
    """Move the images of each batch in place by its (dx, dy), filling with zeros."""
    images = epoch.images()
    height, width = images.shape[1:]
    for at, (dx, dy) in enumerate(shifts.tolist()):
        if not (dx or dy):
            continue
        part = images[at * epoch.batch_size : (at + 1) * epoch.batch_size]
        moved = np.zeros_like(part)
        moved[:, _to(dy, height), _to(dx, width)] = part[:, _to(-dy, height), _to(-dx, width)]
        part[:] = moved


def _to(shift: int, size: int) -> slice:
    """Where the part that stays inside lands."""
    return slice(min(max(shift, 0), size), max(size + min(shift, 0), 0))
