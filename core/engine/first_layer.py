"""The first layer where most inputs are zero: both of its products skip zeros.

Nonzero columns of images coincide, so a tile of a product goes over only those columns that are
nonzero in any of its rows, or over those rows in which any of its adjacent columns is nonzero. Rows
are read where they are in the training set.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.cpython.unsafe import numbers

from reglab.core.engine.arrays import F32, I64, U8, U64
from reglab.core.engine.compiler import inlined, kernel
from reglab.core.engine.gemm import multiply
from reglab.core.engine.inputs import BatchInputs, Lists, Scratch
from reglab.core.engine.microkernels import LISTED_ROWS as ROWS
from reglab.core.engine.microkernels import listed_product, prefetch

trailing_zeros: Any = numbers.trailing_zeros


@kernel
def listed(
    a: Any,
    bases: I64,
    across: I64,
    b: Any,
    down: I64,
    count: int,
    targets: I64,
    rows: int,
    out: F32,
    scale: np.float32,
) -> None:
    """``microkernels.listed_product`` in a function of its own: compiled once for all callers."""
    listed_product(a, bases, across, b, down, count, targets, rows, out, scale)


@kernel
def list_columns(nonzero: U64, rows: I64, columns: I64) -> int:
    """List the columns that are nonzero in any of the rows; returns how many."""
    count = 0
    for word in range(nonzero.shape[1]):
        bits = np.uint64(0)
        for row in rows:
            bits |= nonzero[row, word]
        while bits != 0:
            columns[count] = word * 64 + np.int64(trailing_zeros(bits))
            count += 1
            bits &= bits - np.uint64(1)
    return count


@inlined
def forward(inputs: BatchInputs, weights: F32, scratch: Scratch, z: F32) -> None:
    """z (B, n) <- x W for the rows x of a batch, W (d, n).

    Tiles are formed of rows that follow one another in ``inputs.places``.
    """
    if not inputs.is_sparse:
        multiply(inputs.dense, weights, z)
        return
    lists, rows = scratch.lists, inputs.rows
    for begin in range(0, rows.shape[0], ROWS):
        height = min(ROWS, rows.shape[0] - begin)
        for line in range(height):
            lists.targets[line] = inputs.places[begin + line]
            lists.tile[line] = rows[lists.targets[line]]
            lists.bases[line] = lists.tile[line] * inputs.dense.shape[1]
        count = list_columns(inputs.nonzero, lists.tile[:height], lists.across)
        for n in range(count):
            lists.down[n] = lists.across[n] * z.shape[1]
        listed(
            inputs.dense, lists.bases, lists.across, weights, lists.down, count, lists.targets,
            height, z, np.float32(0),
        )  # fmt: skip


@kernel
def list_rows(
    strip: int, strips: F32, nonzero: U8, rows: I64, units: int, across: I64, down: I64
) -> int:
    """List the rows in which any column of a strip is nonzero; returns how many.

    ``nonzero`` (N,) is that of the strip.
    """
    ahead = min(strip + 1, strips.shape[0] - 1) * strips.shape[1] * ROWS
    count = 0
    for line in range(rows.shape[0]):
        prefetch(strips, ahead + rows[line] * ROWS)
        across[count] = rows[line] * ROWS
        down[count] = line * units
        count += nonzero[rows[line]]
    return count


@kernel
def list_strip(strip: int, height: int, first: int, bases: I64, targets: I64) -> None:
    """List the columns of a strip of so many rows, to be written from row ``first`` on."""
    for column in range(ROWS):
        bases[column] = strip * height * ROWS + column
        targets[column] = first + column


@inlined
def multiply_strip(
    strip: int,
    inputs: BatchInputs,
    delta: F32,
    lists: Lists,
    first: int,
    out: F32,
    scale: np.float32,
) -> None:
    """out[first:] += scale * x^T delta for the columns of a strip, or = if ``scale`` is 0.

    x are the rows of a sparse batch, delta is (B, n); ``out`` is left alone where a ``scale`` is
    given and all of the strip is zero.
    """
    strips = inputs.strips
    count = list_rows(
        strip, strips, inputs.strip_nonzero[strip], inputs.rows, delta.shape[1], lists.across,
        lists.down,
    )  # fmt: skip
    list_strip(strip, strips.shape[1], first, lists.bases, lists.targets)
    columns = min(ROWS, inputs.dense.shape[1] - strip * ROWS)
    if count > 0 or scale == 0:
        listed(
            strips, lists.bases, lists.across, delta, lists.down, count, lists.targets, columns,
            out, scale,
        )  # fmt: skip


@inlined
def add_gradient(
    inputs: BatchInputs, delta: F32, scratch: Scratch, scale: np.float32, weights: F32
) -> None:
    """weights (d, n) += scale * x^T delta for the rows of sparse x, delta (B, n)."""
    for strip in range(inputs.strips.shape[0]):
        multiply_strip(strip, inputs, delta, scratch.lists, strip * ROWS, weights, scale)
