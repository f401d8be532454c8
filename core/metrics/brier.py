"""The Brier score, and its decomposition into what a forecaster can and cannot help.

Brier (1950) for the score; Murphy (1973) for reliability, resolution and uncertainty; Stephenson,
Coelho and Jolliffe (2008) for the two terms that remain where the probabilities within a bin
differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reglab.core.metrics.binning import bin_edges
from reglab.core.spec import Binning

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


def decompose(
    probabilities: Floats, labels: NDArray[np.int64], bins: int = 15, binning: Binning = "quantile"
) -> BrierParts:
    """Parts of the multi-class Brier score, each the sum over classes of those of p_k.

    Args:
        probabilities: (N, K).
        labels: (N,).
        bins: M, of each class's probabilities.
        binning: As in ``reliability.reliability``.
    """
    parts = [
        _of_class(probabilities[:, k], (labels == k).astype(np.float64), bins, binning)
        for k in range(probabilities.shape[1])
    ]
    return BrierParts(*np.sum(parts, axis=0).tolist())


def _of_class(p: Floats, hit: Floats, bins: int, binning: Binning) -> Floats:
    order = np.argsort(p, kind="stable")
    p, hit = p[order], hit[order]
    edges = bin_edges(p, bins, binning)
    count = np.diff(edges)
    count, starts = count[count > 0], edges[:-1][count > 0]
    share = count / len(p)
    mean, frequency = (np.add.reduceat(values, starts) / count for values in (p, hit))
    rate = hit.mean()
    from_mean, from_frequency = p - np.repeat(mean, count), hit - np.repeat(frequency, count)
    return np.array(
        [
            np.sum(share * (mean - frequency) ** 2),
            np.sum(share * (frequency - rate) ** 2),
            rate * (1 - rate),
            np.mean(from_mean**2) - 2 * np.mean(from_mean * from_frequency),
        ]
    )
