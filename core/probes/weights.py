"""Weight matrices: how sparse and how large."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from reglab.core.datasets.base import Dataset
from reglab.core.engine import Network
from reglab.core.probes.base import Arrays, FinalProbe
from reglab.core.spec import RunSpec

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
    small, squares, largest = 0, 0.0, 0.0
    # In blocks of rows: float64 copies of a large matrix would take hundreds of MiB.
    for block in np.array_split(matrix, -(-matrix.size // BLOCK)):
        size = np.abs(block.astype(np.float64))
        small += int(np.sum(size <= threshold))
        squares += float(np.sum(size**2))
        largest = max(largest, float(size.max()))
    return MatrixSummary(
        layer,
        (matrix.shape[0], matrix.shape[1]),
        small / matrix.size,
        float(np.sqrt(squares)),
        largest,
    )


class Weights(FinalProbe):
    """Numbers about every matrix; the matrices themselves are stored as param.*."""

    @classmethod
    def of(cls, spec: RunSpec, data: Dataset, seed: int) -> Self | None:
        """On where the spec has a weights probe."""
        return cls(spec, data, seed) if spec.probes.weights else None

    def finish(self, network: Network) -> tuple[Arrays, dict[str, Any]]:
        """Sparsity, norm and largest entry by matrix."""
        probe = self.spec.probes.weights
        assert probe is not None
        rows = [vars(summarize(w, k, probe.threshold)) for k, w in enumerate(network.weights)]
        return {}, {"weights": [row | {"shape": list(row["shape"])} for row in rows]}
