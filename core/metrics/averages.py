"""Scores of predictions that are averages of several networks' probabilities."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from reglab.core.elementary import log
from reglab.core.metrics.predictions import is_right, of_labels
from reglab.core.metrics.reliability import expected_error, reliability
from reglab.core.spec import Binning

Floats = NDArray[np.float64]
SCORES = ("accuracy", "nll", "ece")
# Of probabilities that round to zero: the least positive float32.
SMALLEST = 1e-38


def scores(
    probabilities: Floats, labels: NDArray[np.int64], bins: int = 15, binning: Binning = "quantile"
) -> tuple[float, float, float]:
    """``SCORES`` of p (N, K) against labels (N,): an average has probabilities, and no logits."""
    right = is_right(probabilities, labels).astype(np.float64)
    chosen = np.maximum(of_labels(probabilities, labels), SMALLEST)
    table = reliability(probabilities.max(axis=1), right, bins, binning)
    return float(right.mean()), float(-log(chosen).mean()), expected_error(table)


def scores_by_size(
    members: Iterable[Floats],
    labels: NDArray[np.int64],
    bins: int = 15,
    binning: Binning = "quantile",
) -> Floats:
    """Row m: ``scores`` of the mean of the first m + 1 members' probabilities (N, K); (M, 3)."""
    total: Floats | float = 0.0
    rows = []
    for size, member in enumerate(members, start=1):
        total = total + member
        rows.append(scores(total / size, labels, bins, binning))
    return np.array(rows, np.float64)
