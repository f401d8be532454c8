"""Weight matrices: how sparse and how large."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 2**21


@dataclass(frozen=True)
class MatrixSummary:
    """One weight matrix W_l of shape (n_in, n_out).

    Attributes:
        layer: l, from 0.
        shape: (n_in, n_out).
        sparsity: Share of entries with |w| <= threshold.
        norm: Root of the sum of squares.
        largest: Largest |w|.
    """

    layer: int
    shape: tuple[int, int]
    sparsity: float
    norm: float
    largest: float


def summarize(matrix: NDArray[np.float32], layer: int, threshold: float) -> MatrixSummary:
    """Sparsity and size of one matrix."""
    return MatrixSummary(
        layer,
        (matrix.shape[0], matrix.shape[1]),
        share_up_to([matrix], threshold),
        float(np.sqrt(squared_norm(matrix))),
        max(float(block.max()) for block in _magnitudes(matrix)),
    )


def squared_norm(array: NDArray[Any]) -> float:
    """Sum of squares: of a matrix the squared Frobenius norm."""
    return sum(float(np.sum(block**2)) for block in _magnitudes(array))


def share_up_to(matrices: Iterable[NDArray[Any]], threshold: float) -> float:
    """Share of the entries of all matrices together with |w| <= threshold; 0: exactly zero."""
    small, size = 0, 0
    for matrix in matrices:
        small += sum(int(np.sum(block <= threshold)) for block in _magnitudes(matrix))
        size += matrix.size
    return small / size


def share_of_largest(array: NDArray[Any], part: float) -> float:
    """Share of the entries with |w| at most ``part`` of the largest."""
    largest = max(float(block.max()) for block in _magnitudes(array))
    return share_up_to([array], part * largest)


def hoyer(array: NDArray[Any]) -> float:
    """Sparsity without a scale (Hoyer, 2004): 0 where all magnitudes are equal, 1 for a single one.

    (sqrt(n) - sum|w| / sqrt(sum w^2)) / (sqrt(n) - 1); 0 where all entries are zero.
    """
    root = np.sqrt(array.size)
    norm = np.sqrt(squared_norm(array))
    total = sum(float(block.sum()) for block in _magnitudes(array))
    return float((root - total / norm) / (root - 1)) if norm and root > 1 else 0.0


def participation(array: NDArray[Any]) -> float:
    """Participation ratio of the squared entries as a share of their number n, from 1/n to 1.

    (sum w^2)^2 / (n sum w^4): of k equal entries and zeros elsewhere, k / n.
    """
    fourth = sum(float(np.sum(block**4)) for block in _magnitudes(array))
    return squared_norm(array) ** 2 / (array.size * fourth) if fourth else 0.0


def _magnitudes(array: NDArray[Any]) -> Iterator[NDArray[np.float64]]:
    """|w| in blocks of rows: a float64 copy of a large matrix would take hundreds of MiB."""
    for block in np.array_split(array, -(-array.size // BLOCK)):
        yield np.abs(block.astype(np.float64))
