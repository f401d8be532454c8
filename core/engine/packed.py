"""Inputs that are evaluated repeatedly, laid out once for the first layer.

Rows with similar nonzero columns are adjacent, so that a tile of the product has fewer columns to
go over, and a tile's values are contiguous, so that memory is read in order. Each row's sum still
adds the same products in the same order, so that its result is bit-identical.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from reglab.core.datasets.identity_key import KEPT, IdentityKey
from reglab.core.engine.arrays import F32, I64, U64
from reglab.core.engine.compiler import kernel
from reglab.core.engine.first_layer import list_columns, listed
from reglab.core.engine.inputs import FEW_COLUMNS, Inputs
from reglab.core.engine.microkernels import LISTED_ROWS as ROWS


class Packed(NamedTuple):
    """Inputs for evaluation only.

    Attributes:
        order: Which row is at which place, (N,) int64.
        first: Where the columns of each tile of rows begin, and the end of the last, (T + 1,)
            int64.
        columns: Columns that are nonzero in any row of a tile, (total,) int64.
        values: Their values in the tile's rows, (total, W) float32; zeros below a short tile.
    """

    order: I64
    first: I64
    columns: I64
    values: F32


class PackedLists(NamedTuple):
    """Lists of int64 that ``forward`` fills: see ``microkernels.listed_product``."""

    bases: I64
    across: I64
    down: I64
    targets: I64


def pack(inputs: Inputs) -> Inputs | Packed:
    """Lay out inputs in ``row_order``; those that are not sparse stay as they are."""
    if not inputs.is_sparse or len(inputs.dense) == 0:
        return inputs
    order = inputs.row_order
    counts = np.zeros(-(-len(order) // ROWS), np.int64)
    scratch = np.zeros(inputs.dense.shape[1] + 1, np.int64)
    _count(inputs.nonzero, order, scratch, counts)
    first = np.concatenate([[0], np.cumsum(counts)])
    columns = np.zeros(first[-1], np.int64)
    values = np.zeros((first[-1], ROWS), np.float32)
    _fill(inputs.dense, inputs.nonzero, order, first, scratch, columns, values)
    return Packed(order, first, columns, values)


def pack_once(x: IdentityKey) -> Inputs | Packed:
    """``pack`` for rows that every run evaluates, a test set."""
    # Points in the plane are new in each run and never packed: they must not push out images.
    return Inputs.of(x.array) if x.array.shape[1] < FEW_COLUMNS else _packed_once(x)


@functools.lru_cache(maxsize=KEPT)
def _packed_once(x: IdentityKey) -> Inputs | Packed:
    return pack(Inputs.of(x.array, ordered=True))


@kernel
def _count(nonzero: U64, order: I64, scratch: I64, counts: I64) -> None:
    for tile in range(counts.shape[0]):
        rows = order[tile * ROWS : (tile + 1) * ROWS]
        counts[tile] = list_columns(nonzero, rows, scratch)


@kernel
def _fill(
    dense: F32, nonzero: U64, order: I64, first: I64, scratch: I64, columns: I64, values: F32
) -> None:
    for tile in range(first.shape[0] - 1):
        rows = order[tile * ROWS : (tile + 1) * ROWS]
        count = list_columns(nonzero, rows, scratch)
        for n in range(count):
            columns[first[tile] + n] = scratch[n]
            for line in range(rows.shape[0]):
                values[first[tile] + n, line] = dense[rows[line], scratch[n]]


def make_lists(columns: int) -> PackedLists:
    """Lists for ``forward`` of rows with so many columns."""
    rows = np.zeros(ROWS, np.int64)
    return PackedLists(rows, ROWS * np.arange(columns), np.zeros(columns, np.int64), rows.copy())


@kernel
def forward(packed: Packed, begin: int, end: int, weights: F32, lists: PackedLists, z: F32) -> None:
    """z (B, n) <- x W for the rows at the places from ``begin``, a tile's first, to ``end``."""
    flat = packed.values.reshape(packed.values.size)
    for place in range(begin, end, ROWS):
        tile = place // ROWS
        start = packed.first[tile]
        count = packed.first[tile + 1] - start
        for n in range(count):
            lists.down[n] = packed.columns[start + n] * weights.shape[1]
        for line in range(ROWS):
            lists.bases[line] = start * ROWS + line
            lists.targets[line] = place - begin + line
        rows = min(ROWS, end - place)
        listed(
            flat, lists.bases, lists.across, weights, lists.down, count, lists.targets, rows, z,
            np.float32(0),
        )  # fmt: skip
