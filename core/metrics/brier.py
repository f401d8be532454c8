"""The Brier score, and its decomposition into what a forecaster can and cannot help.

Brier (1950) for the score; Murphy (1973) for reliability, resolution and uncertainty; Stephenson,
Coelho and Jolliffe (2008) for the two terms that remain where the probabilities within a bin
differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reglab.core.metrics.reliability import Reliability

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BrierParts:
    """Brier score = reliability - resolution + uncertainty + within, exactly.

    Attributes:
        reliability: sum_m n_m / N * (conf - freq)^2: less is better.
        resolution: sum_m n_m / N * (freq - base rate)^2: more is better.
        uncertainty: base rate * (1 - base rate): of the labels alone.
        within: Variance of the probabilities within bins minus twice their covariance with the
            outcomes: what binning hides from the other three.
    """

    reliability: float
    resolution: float
    uncertainty: float
    within: float

    @property
    def score(self) -> float:
        """The Brier score that they make up."""
        return self.reliability - self.resolution + self.uncertainty + self.within


def squares(probabilities: Floats, labels: NDArray[np.int64]) -> Floats:
    """sum_k (p_k - y_k)^2 of each example (N,), from p (N, K) and labels (N,), y one-hot."""
    one_hot = np.eye(probabilities.shape[1])[labels]
    return np.asarray(np.sum((probabilities - one_hot) ** 2, axis=1))


def brier_score(probabilities: Floats, labels: NDArray[np.int64]) -> float:
    """Mean of ``squares``."""
    return float(squares(probabilities, labels).mean())


def decompose(tables: Sequence[Reliability], score: float) -> BrierParts:
    """Parts of the multi-class Brier score, each the sum over classes of those of p_k.

    Args:
        tables: Of each class k, the reliability of p_k as the chance of class k.
        score: The Brier score of the same probabilities.
    """
    of_bins = np.sum([_of_class(table) for table in tables], axis=0)
    reliability, resolution, uncertainty = (float(each) for each in of_bins)
    within = score - (reliability - resolution + uncertainty)
    return BrierParts(reliability, resolution, uncertainty, within)


def _of_class(table: Reliability) -> Floats:
    share = table.count / table.count.sum()
    # No BLAS: its sums depend on the processor.
    rate = np.sum(share * table.accuracy)
    reliability = np.sum(share * table.gap**2)
    resolution = np.sum(share * (table.accuracy - rate) ** 2)
    return np.array([reliability, resolution, max(rate * (1 - rate), 0.0)])
