"""An order of rows in which adjacent rows have similar nonzero columns."""

from __future__ import annotations

import numpy as np

from reglab.core.engine.arrays import F32, I64
from reglab.core.engine.compiler import allocating
from reglab.core.engine.microkernels import LISTED_ROWS as ROWS

# Rows from which the axes are found, how many of these are looked along, and how they are refined.
SAMPLE, AXES, ROUNDS = 2_000, 8, 3


def order_by_nonzeros(x: F32) -> I64:
    """An order (N,) of the rows of x (N, d) in which adjacent rows have similar nonzero columns.

    Splits the rows in halves along the axis on which they differ most, again and again, as a k-d
    tree does (Bentley, 1975). The axes are the first principal ones of the nonzero mask, found by
    subspace iteration.
    """
    nonzero = (x != 0).astype(np.float32)
    step = -(-len(nonzero) // SAMPLE)
    sample = nonzero[::step] - nonzero[::step].mean(axis=0)
    axes = np.random.default_rng(0).standard_normal((x.shape[1], AXES)).astype(np.float32)
    for _ in range(ROUNDS):
        axes, _ = np.linalg.qr(sample.T @ (sample @ axes))
    return _halved(nonzero @ axes, np.arange(len(x)))


def _halved(places: F32, rows: I64) -> I64:
    if len(rows) <= ROWS:
        return rows
    mine = places[rows]
    axis = int(np.argmax(mine.var(axis=0)))
    # A multiple of the tile's rows, so that no tile lies across a split.
    middle = max(len(rows) // (2 * ROWS), 1) * ROWS
    halves = np.argpartition(mine[:, axis], middle)
    parts = rows[halves[:middle]], rows[halves[middle:]]
    return np.concatenate([_halved(places, part) for part in parts])


@allocating
def order_within_batches(order: I64, row_order: I64, batch_size: int) -> I64:
    """For each batch of an epoch, its places 0 to B - 1 in ``row_order``; (N,) int64."""
    where = np.empty(order.shape[0], np.int64)
    for place in range(order.shape[0]):
        where[order[place]] = place
    filled = np.zeros(order.shape[0] // batch_size + 1, np.int64)
    places = np.empty(order.shape[0], np.int64)
    for row in row_order:
        place = where[row]
        batch = place // batch_size
        places[batch * batch_size + filled[batch]] = place - batch * batch_size
        filled[batch] += 1
    return places
