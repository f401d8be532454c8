"""Inputs as the first layer wants them: the rows, and where they are not zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reglab.core.engine.compiler import inlined, kernel
from reglab.core.engine.microkernels import LISTED_ROWS
from reglab.core.engine.row_order import neighbours

STRIP = LISTED_ROWS
# Above this share of non-zeros, or with fewer columns, passing over zeros costs more than it saves.
DENSE_ABOVE = 0.65
FEW_COLUMNS = 16


@dataclass(frozen=True)
class Inputs:
    """A set of inputs.

    Attributes:
        dense: All entries, (N, d) float32, C order.
        lit: Bit c % 64 of word c // 64 of a row is set where column c is not zero,
            (N, ceil(d / 64)) uint64.
        strips: The entries again, W neighbouring columns at a time, (ceil(d / W), N, W) float32.
        strips_lit: 1 where any entry of a strip is not zero, (ceil(d / W), N) uint8.
        near: The rows in an order in which neighbours light the same pixels, or as they come,
            (N,) int64.
        is_sparse: Whether the first layer should pass over zeros; if not, only ``dense`` is used.
    """

    dense: NDArray[np.float32]
    lit: NDArray[np.uint64]
    strips: NDArray[np.float32]
    strips_lit: NDArray[np.uint8]
    near: NDArray[np.int64]
    is_sparse: bool

    def __len__(self) -> int:
        return len(self.dense)

    @classmethod
    def of(cls, x: NDArray[Any], *, backward: bool = False, near: bool = False) -> Inputs:
        """Prepare x (N, d); strips are needed for a gradient only, ``near`` takes a while."""
        dense = np.ascontiguousarray(x, dtype=np.float32)
        share = np.count_nonzero(dense) / max(dense.size, 1)
        sparse = dense.shape[1] >= FEW_COLUMNS and share <= DENSE_ABOVE
        lit = np.zeros((len(dense) if sparse else 0, -(-dense.shape[1] // 64)), np.uint64)
        mark_lit(dense[: len(lit)], lit)
        strips = empty_strips(*dense.shape) if sparse and backward else empty_strips(0, 1)
        if sparse and backward:
            fill_strips(dense, *strips)
        order = neighbours(dense) if sparse and near else np.arange(len(dense))
        return cls(dense, lit, *strips, order, is_sparse=bool(sparse))

    def packed(self) -> tuple[Any, ...]:
        """As compiled code takes them."""
        return self.dense, self.lit, self.strips, self.strips_lit, self.near, self.is_sparse


def empty_strips(rows: int, columns: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Room for ``strips`` and ``strips_lit``."""
    count = -(-columns // STRIP)
    return np.zeros((count, rows, STRIP), np.float32), np.zeros((count, rows), np.uint8)


@kernel
def fill_strips(dense: Any, strips: Any, strips_lit: Any) -> None:
    """From dense (N, d)."""
    for row in range(dense.shape[0]):
        for strip in range(strips.shape[0]):
            lit = np.uint8(0)
            for column in range(strip * STRIP, min((strip + 1) * STRIP, dense.shape[1])):
                value = dense[row, column]
                strips[strip, row, column - strip * STRIP] = value
                if value != 0:
                    lit = np.uint8(1)
            strips_lit[strip, row] = lit


@kernel
def gather(x: Any, rows: Any, shift: Any, image: Any, out: Any) -> None:
    """out (B, d) <- the chosen rows of x, each image moved by shift = (dx, dy), zero filled.

    image is (height, width), or (0, 0) for inputs that are none and are not moved.
    """
    dx, dy = shift[0], shift[1]
    height, width = image[0], image[1]
    for at in range(rows.shape[0]):
        row = rows[at]
        if dx == 0 and dy == 0:
            for column in range(x.shape[1]):
                out[at, column] = x[row, column]
            continue
        for y in range(height):
            for column in range(width):
                inside = 0 <= y - dy < height and 0 <= column - dx < width
                from_ = (y - dy) * width + column - dx
                out[at, y * width + column] = x[row, from_] if inside else np.float32(0)


@kernel
def mark_lit(x: Any, lit: Any) -> None:
    """Set the bits of ``Inputs.lit`` for x (B, d)."""
    for row in range(x.shape[0]):
        for word in range(lit.shape[1]):
            bits = np.uint64(0)
            for column in range(word * 64, min((word + 1) * 64, x.shape[1])):
                if x[row, column] != 0:
                    bits |= np.uint64(1) << np.uint64(column % 64)
            lit[row, word] = bits


@inlined
def choose_rows(inputs: Any, rows: Any, shift: Any, image: Any, scratch: Any) -> Any:
    """(dense, lit, strips, strips_lit, rows): where to find the chosen rows of the inputs.

    Sparse rows are read where they lie; others, and those that are moved, are gathered first.
    """
    dense, lit, strips, strips_lit, _, is_sparse = inputs
    if is_sparse and shift[0] == 0 and shift[1] == 0:
        return dense, lit, strips, strips_lit, rows
    own_dense, own_lit, own_strips, own_strips_lit, own_rows = scratch[:5]
    b = rows.shape[0]
    gather(dense, rows, shift, image, own_dense[:b])
    if is_sparse:
        mark_lit(own_dense[:b], own_lit[:b])
        fill_strips(own_dense[:b], own_strips, own_strips_lit)
    return own_dense[:b], own_lit, own_strips, own_strips_lit, own_rows[:b]
