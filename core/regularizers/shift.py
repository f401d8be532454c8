"""Shift augmentation: batches or images moved by a few pixels, or left alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from reglab.core.regularizers.augmentation import Augmentation
from reglab.core.regularizers.base import Epoch, Regularizer, Sizes
from reglab.core.spec import RunSpec, ShiftAugmentation
from reglab.core.spec.augmentation import AugmentationBase


@dataclass(frozen=True)
class Shift(Regularizer):
    """With a probability a batch, draws dx and dy with replacement from the listed shifts.

    The compiled loop moves the images as it reads them.
    """

    pixels: tuple[int, ...]
    probability: float
    stream: str | None = "augmentation"
    shifts_inputs: ClassVar[bool] = True

    @classmethod
    def of(cls, spec: RunSpec) -> Self | None:
        """Active for ``regularization.augmentation`` named 'shift' of whole batches."""
        wanted = spec.regularization.augmentation
        if not isinstance(wanted, ShiftAugmentation) or _is_laid_out(wanted):
            return None
        return cls(tuple(wanted.pixels), wanted.probability)

    def shifts(self, rng: np.random.Generator, sizes: Sizes) -> NDArray[np.int64]:
        """(batches, 2) int64; (0, 0) where the batch is left alone."""
        return _drawn(rng, sizes.batches, self.pixels, self.probability)


@dataclass(frozen=True)
class LaidOutShift(Augmentation):
    """Shifts that the compiled loop does not know: of single images, or around the edges."""

    pixels: list[int]
    probability: float
    unit: str
    fill: str
    model: ClassVar[type[AugmentationBase]] = ShiftAugmentation

    @classmethod
    def of(cls, spec: RunSpec) -> Self | None:
        """Active where ``Shift`` is not."""
        wanted = spec.regularization.augmentation
        if not isinstance(wanted, ShiftAugmentation) or not _is_laid_out(wanted):
            return None
        return cls(wanted.pixels, wanted.probability, wanted.unit, wanted.fill)

    def inputs(self, rng: np.random.Generator, epoch: Epoch) -> Epoch:
        """Draws, for all batches or examples in order, whether each is moved, then the shifts."""
        count = len(epoch.inputs)
        size = epoch.batch_size if self.unit == "batch" else 1
        drawn = _drawn(rng, -(-count // size), self.pixels, self.probability)
        shift_images(epoch.images(), np.repeat(drawn, size, axis=0)[:count], self.fill == "wrap")
        return epoch


def shift_images(
    images: NDArray[np.float32], shifts: NDArray[np.int64], wraps: bool = False
) -> None:
    """Move each image in place by its (dx, dy).

    Args:
        images: (N, rows, columns).
        shifts: (N, 2), in pixels.
        wraps: Whether what leaves at an edge comes in at the opposite one; else zeros do.
    """
    count, height, width = images.shape
    dx, dy = shifts[:, 0, None], shifts[:, 1, None]
    rows, columns = np.arange(height) - dy, np.arange(width) - dx
    each = np.arange(count)[:, None, None]
    moved = images[each, (rows % height)[:, :, None], (columns % width)[:, None, :]]
    if not wraps:
        stay = [(at >= 0) & (at < size) for at, size in ((rows, height), (columns, width))]
        moved[~(stay[0][:, :, None] & stay[1][:, None, :])] = 0
    images[:] = moved


def _drawn(
    rng: np.random.Generator, count: int, pixels: tuple[int, ...] | list[int], probability: float
) -> NDArray[np.int64]:
    moved = rng.random(count) < probability
    drawn = rng.choice(np.array(pixels, np.int64), size=(count, 2))
    return np.where(moved[:, None], drawn, 0)


def _is_laid_out(spec: ShiftAugmentation) -> bool:
    return (spec.unit, spec.fill) != ("batch", "zeros")
