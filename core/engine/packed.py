"""Inputs that are looked at again and again, laid out once for the first layer.

Rows that light the same pixels lie side by side, so that a tile of the product has fewer pixels to
go over, and a tile's values lie one after another, so that memory is read as it comes. Each row's
sum still adds the same products in the same order, so that its result is the same to the bit.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reglab.core.engine.compiler import kernel
from reglab.core.engine.first_layer import list_pixels, listed
from reglab.core.engine.inputs import FEW_COLUMNS, Inputs
from reglab.core.engine.microkernels import LISTED_ROWS as ROWS
from reglab.core.identity_key import KEPT, IdentityKey


@dataclass(frozen=True)
class Packed:
    """Inputs for looking at only.

    Attributes:
        order: Which row is at which place, (N,) int64.
        first: Where the pixels of each tile of rows begin, and the end of the last, (T + 1,) int64.
        pixels: Pixels that any row of a tile lights, (total,) int64.
        values: Their values in the tile's rows, (total, W) float32; zeros below a short tile.
    """

    order: NDArray[np.int64]
    first: NDArray[np.int64]
    pixels: NDArray[np.int64]
    values: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.order)

    def arrays(self) -> tuple[Any, ...]:
        """As compiled code takes them."""
        return self.order, self.first, self.pixels, self.values


def pack(inputs: Inputs) -> Inputs | Packed:
    """Lay out inputs in the order ``near``; those that are not sparse stay as they are."""
    if not inputs.is_sparse or len(inputs.dense) == 0:
        return inputs
    order = inputs.near
    counts = np.zeros(-(-len(order) // ROWS), np.int64)
    scratch = np.zeros(inputs.dense.shape[1] + 1, np.int64)
    _count(inputs.lit, order, scratch, counts)
    first = np.concatenate([[0], np.cumsum(counts)])
    pixels = np.zeros(first[-1], np.int64)
    values = np.zeros((first[-1], ROWS), np.float32)
    _fill(inputs.dense, inputs.lit, order, first, scratch, pixels, values)
    return Packed(order, first, pixels, values)


def pack_once(x: IdentityKey) -> Inputs | Packed:
    """``pack`` for rows that run after run looks at: a test set."""
    # Points in the plane are new in each run and never packed: they must not push out images.
    return Inputs.of(x.array) if x.array.shape[1] < FEW_COLUMNS else _packed_once(x)


@functools.lru_cache(maxsize=KEPT)
def _packed_once(x: IdentityKey) -> Inputs | Packed:
    return pack(Inputs.of(x.array, near=True))


@kernel
def _count(lit: Any, order: Any, scratch: Any, counts: Any) -> None:
    for tile in range(counts.shape[0]):
        counts[tile] = list_pixels(lit, order[tile * ROWS : (tile + 1) * ROWS], scratch)


@kernel
def _fill(
    dense: Any, lit: Any, order: Any, first: Any, scratch: Any, pixels: Any, values: Any
) -> None:
    for tile in range(first.shape[0] - 1):
        rows = order[tile * ROWS : (tile + 1) * ROWS]
        count = list_pixels(lit, rows, scratch)
        for n in range(count):
            pixels[first[tile] + n] = scratch[n]
            for at in range(rows.shape[0]):
                values[first[tile] + n, at] = dense[rows[at], scratch[n]]


def make_lists(columns: int) -> tuple[NDArray[np.int64], ...]:
    """For ``forward``: where rows begin, where pixels' values and weights are, rows of z."""
    rows = np.zeros(ROWS, np.int64)
    return rows, ROWS * np.arange(columns), np.zeros(columns, np.int64), rows.copy()


@kernel
def forward(packed: Any, begin: int, end: int, weights: Any, lists: Any, z: Any) -> None:
    """z (B, n) <- x W for the rows at the places from ``begin``, a tile's first, to ``end``."""
    _, first, pixels, values = packed
    bases, across, down, targets = lists
    flat = values.reshape(values.size)
    for place in range(begin, end, ROWS):
        tile = place // ROWS
        start = first[tile]
        count = first[tile + 1] - start
        for n in range(count):
            down[n] = pixels[start + n] * weights.shape[1]
        for at in range(ROWS):
            bases[at] = start * ROWS + at
            targets[at] = place - begin + at
        rows = min(ROWS, end - place)
        listed(flat, bases, across, weights, down, count, targets, rows, z, np.float32(0))
