"""Inputs laid out for the first layer: the rows, and where they are not zero."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reglab.core.engine.arrays import F32, I64, U8, U64
from reglab.core.engine.compiler import inlined, kernel
from reglab.core.engine.microkernels import LISTED_ROWS
from reglab.core.engine.row_order import order_by_nonzeros

# Columns of a strip: the rows of a tile of their gradient x^T delta.
STRIP = LISTED_ROWS
# Above this share of non-zeros, or with fewer columns, passing over zeros costs more than it saves.
DENSE_ABOVE = 0.65
FEW_COLUMNS = 16


class Inputs(NamedTuple):
    """A set of inputs.

    Attributes:
        dense: All entries, (N, d) float32, C order.
        nonzero: Bit c % 64 of word c // 64 of a row is set where column c is not zero,
            (N, ceil(d / 64)) uint64.
        strips: The entries again, W adjacent columns at a time, (ceil(d / W), N, W) float32.
        strip_nonzero: 1 where any entry of a strip is not zero, (ceil(d / W), N) uint8.
        row_order: The rows in an order in which adjacent rows have similar nonzero columns, or as
            they come, (N,) int64.
        is_sparse: Whether the first layer should skip zeros; if not, only ``dense`` is used.
    """

    dense: F32
    nonzero: U64
    strips: F32
    strip_nonzero: U8
    row_order: I64
    is_sparse: bool

    @classmethod
    def of(cls, x: NDArray[Any], *, backward: bool = False, ordered: bool = False) -> Inputs:
        """Prepare x (N, d).

        Args:
            x: The rows.
            backward: Whether a gradient is needed, which takes strips.
            ordered: Whether to find ``row_order``, which takes a while.
        """
        dense = np.ascontiguousarray(x, dtype=np.float32)
        share = np.count_nonzero(dense) / max(dense.size, 1)
        sparse = dense.shape[1] >= FEW_COLUMNS and share <= DENSE_ABOVE
        nonzero = np.zeros((len(dense) if sparse else 0, -(-dense.shape[1] // 64)), np.uint64)
        mark_nonzero(dense[: len(nonzero)], nonzero)
        strips = empty_strips(*dense.shape) if sparse and backward else empty_strips(0, 1)
        if sparse and backward:
            fill_strips(dense, *strips)
        order = order_by_nonzeros(dense) if sparse and ordered else np.arange(len(dense))
        return cls(dense, nonzero, *strips, order, is_sparse=bool(sparse))


class Lists(NamedTuple):
    """Lists of int64 that a product over nonzeros fills: see ``microkernels.listed_product``."""

    bases: I64
    across: I64
    down: I64
    targets: I64
    tile: I64


class Scratch(NamedTuple):
    """Memory for the first layer of a batch of up to B rows: gathered rows, as in ``Inputs``.

    Attributes:
        dense: (B, d) float32.
        nonzero: (B, ceil(d / 64)) uint64.
        strips: (ceil(d / W), B, W) float32.
        strip_nonzero: (ceil(d / W), B) uint8.
        rows: Numbers of the gathered rows, (B,) int64.
        lists: Lists of max(B, d) + 1 int64 each.
        gradient: Gradient of the weights of a strip, (W, units) float32.
    """

    dense: F32
    nonzero: U64
    strips: F32
    strip_nonzero: U8
    rows: I64
    lists: Lists
    gradient: F32


class BatchInputs(NamedTuple):
    """Where the inputs of a batch are: rows of the dataset or, gathered, of a scratch memory.

    Attributes:
        dense: As in ``Inputs``, as are the next three.
        nonzero: See above.
        strips: See above.
        strip_nonzero: See above.
        rows: Rows of the batch in these, (B,) int64.
        places: Places 0 to B - 1 of the batch in the order of ``Inputs.row_order``, (B,) int64.
        is_sparse: As in ``Inputs``.
    """

    dense: F32
    nonzero: U64
    strips: F32
    strip_nonzero: U8
    rows: I64
    places: I64
    is_sparse: bool


def empty_strips(rows: int, columns: int) -> tuple[F32, U8]:
    """Memory for ``strips`` and ``strip_nonzero``."""
    count = -(-columns // STRIP)
    return np.zeros((count, rows, STRIP), np.float32), np.zeros((count, rows), np.uint8)


@kernel
def fill_strips(dense: F32, strips: F32, strip_nonzero: U8) -> None:
    """From dense (N, d)."""
    for row in range(dense.shape[0]):
        for strip in range(strips.shape[0]):
            any_nonzero = np.uint8(0)
            for column in range(strip * STRIP, min((strip + 1) * STRIP, dense.shape[1])):
                value = dense[row, column]
                strips[strip, row, column - strip * STRIP] = value
                if value != 0:
                    any_nonzero = np.uint8(1)
            strip_nonzero[strip, row] = any_nonzero


@kernel
def gather(x: F32, rows: I64, shift: I64, image_shape: I64, out: F32) -> None:
    """out (B, d) <- the chosen rows of x, each image moved by shift = (dx, dy), zero filled.

    image_shape is (height, width), or (0, 0) for inputs that are not images and are not moved.
    """
    dx, dy = shift[0], shift[1]
    height, width = image_shape[0], image_shape[1]
    for place in range(rows.shape[0]):
        row = rows[place]
        if dx == 0 and dy == 0:
            for column in range(x.shape[1]):
                out[place, column] = x[row, column]
            continue
        for y in range(height):
            for column in range(width):
                inside = 0 <= y - dy < height and 0 <= column - dx < width
                source = (y - dy) * width + column - dx
                out[place, y * width + column] = x[row, source] if inside else np.float32(0)


@kernel
def mark_nonzero(x: F32, nonzero: U64) -> None:
    """Set the bits of ``Inputs.nonzero`` for x (B, d)."""
    for row in range(x.shape[0]):
        for word in range(nonzero.shape[1]):
            bits = np.uint64(0)
            for column in range(word * 64, min((word + 1) * 64, x.shape[1])):
                if x[row, column] != 0:
                    bits |= np.uint64(1) << np.uint64(column % 64)
            nonzero[row, word] = bits


@inlined
def choose_rows(
    inputs: Inputs, rows: I64, places: I64, shift: I64, image_shape: I64, scratch: Scratch
) -> BatchInputs:
    """The chosen rows (B,) of the inputs, moved by a shift as ``gather`` does.

    Sparse rows are read where they are; others, and those that are moved, are gathered first.
    """
    if inputs.is_sparse and shift[0] == 0 and shift[1] == 0:
        return BatchInputs(
            inputs.dense,
            inputs.nonzero,
            inputs.strips,
            inputs.strip_nonzero,
            rows,
            places,
            inputs.is_sparse,
        )
    batch = rows.shape[0]
    gather(inputs.dense, rows, shift, image_shape, scratch.dense[:batch])
    if inputs.is_sparse:
        mark_nonzero(scratch.dense[:batch], scratch.nonzero[:batch])
        fill_strips(scratch.dense[:batch], scratch.strips, scratch.strip_nonzero)
    return BatchInputs(
        scratch.dense[:batch],
        scratch.nonzero,
        scratch.strips,
        scratch.strip_nonzero,
        scratch.rows[:batch],
        places,
        inputs.is_sparse,
    )
