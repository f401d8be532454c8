"""Inputs as the first layer wants them: rows with their non-zero entries listed, or plain rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reglab.core.engine.compiler import kernel

# Above this share of non-zeros a dense BLAS product is faster than sums over non-zero pixels.
DENSE_ABOVE = 0.35


@dataclass(frozen=True)
class Inputs:
    """A set of inputs.

    Attributes:
        dense: All entries, (N, d) float32, C order.
        indptr: (N + 1,) int64; row i's non-zeros are ``indptr[i]:indptr[i + 1]``.
        indices: Column of each non-zero, int32.
        values: Value of each non-zero, float32.
        is_sparse: Whether the first layer should go over non-zeros.
    """

    dense: NDArray[np.float32]
    indptr: NDArray[np.int64]
    indices: NDArray[np.int32]
    values: NDArray[np.float32]
    is_sparse: bool

    @classmethod
    def of(cls, x: NDArray[Any]) -> Inputs:
        """List the non-zeros of x (N, d)."""
        dense = np.ascontiguousarray(x, dtype=np.float32)
        indptr, indices, values = list_nonzeros(dense)
        density = len(indices) / max(dense.size, 1)
        return cls(dense, indptr, indices, values, is_sparse=bool(density <= DENSE_ABOVE))


@kernel
def list_nonzeros(x: Any) -> Any:
    """Compressed rows of x (N, d) float32: indptr int64, indices int32, values float32."""
    rows, columns = x.shape
    indptr = np.zeros(rows + 1, np.int64)
    for row in range(rows):
        count = 0
        for column in range(columns):
            if x[row, column] != 0:
                count += 1
        indptr[row + 1] = indptr[row] + count
    indices = np.empty(indptr[rows], np.int32)
    values = np.empty(indptr[rows], np.float32)
    at = 0
    for row in range(rows):
        for column in range(columns):
            if x[row, column] != 0:
                indices[at] = column
                values[at] = x[row, column]
                at += 1
    return indptr, indices, values


@kernel
def gather_sparse(
    indptr: Any,
    indices: Any,
    values: Any,
    rows: Any,
    shift: Any,
    image: Any,
    batch_indices: Any,
    batch_values: Any,
    counts: Any,
) -> None:
    """Copy the non-zeros of the chosen rows, each image moved by shift = (dx, dy), zero filled.

    image = (height, width) or (0, 0). Pixels that leave the image are left out.
    """
    dx, dy = shift[0], shift[1]
    height, width = image[0], image[1]
    for at in range(rows.shape[0]):
        row = rows[at]
        count = 0
        if dx == 0 and dy == 0:
            for k in range(indptr[row], indptr[row + 1]):
                batch_indices[at, count] = indices[k]
                batch_values[at, count] = values[k]
                count += 1
        else:
            for k in range(indptr[row], indptr[row + 1]):
                y = indices[k] // width + dy
                x = indices[k] % width + dx
                if 0 <= y < height and 0 <= x < width:
                    batch_indices[at, count] = y * width + x
                    batch_values[at, count] = values[k]
                    count += 1
        counts[at] = count


@kernel
def gather_dense(x: Any, rows: Any, shift: Any, image: Any, out: Any) -> None:
    """out (B, d) <- the chosen rows of x, each image moved by shift = (dx, dy), zero filled."""
    dx, dy = shift[0], shift[1]
    height, width = image[0], image[1]
    for at in range(rows.shape[0]):
        row = rows[at]
        if dx == 0 and dy == 0:
            for column in range(x.shape[1]):
                out[at, column] = x[row, column]
            continue
        for column in range(x.shape[1]):
            y = column // width - dy
            k = column % width - dx
            inside = 0 <= y < height and 0 <= k < width
            out[at, column] = x[row, y * width + k] if inside else np.float32(0)


@kernel
def forward_sparse(
    batch_indices: Any, batch_values: Any, counts: Any, weights: Any, z: Any
) -> None:
    """z (B, n) <- x W, four non-zeros of x at a time; z stays in the first-level cache."""
    units = weights.shape[1]
    for row in range(z.shape[0]):
        for unit in range(units):
            z[row, unit] = np.float32(0)
        count = counts[row]
        quads = count - count % 4
        for k in range(0, quads, 4):
            v0, v1 = batch_values[row, k], batch_values[row, k + 1]
            v2, v3 = batch_values[row, k + 2], batch_values[row, k + 3]
            w0, w1 = weights[batch_indices[row, k]], weights[batch_indices[row, k + 1]]
            w2, w3 = weights[batch_indices[row, k + 2]], weights[batch_indices[row, k + 3]]
            for unit in range(units):
                z[row, unit] += (v0 * w0[unit] + v1 * w1[unit]) + (v2 * w2[unit] + v3 * w3[unit])
        for k in range(quads, count):
            value = batch_values[row, k]
            weight = weights[batch_indices[row, k]]
            for unit in range(units):
                z[row, unit] += value * weight[unit]


@kernel
def add_outer_sparse(
    batch_indices: Any, batch_values: Any, counts: Any, delta: Any, scale: Any, target: Any
) -> None:
    """target (d, n) += scale * x^T delta, over the non-zeros of x only."""
    for row in range(delta.shape[0]):
        for k in range(counts[row]):
            value = scale * batch_values[row, k]
            line = target[batch_indices[row, k]]
            for unit in range(delta.shape[1]):
                line[unit] += value * delta[row, unit]
