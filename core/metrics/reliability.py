"""Reliability tables: confidence and accuracy in bins, and the errors that are sums over bins.

Naeini, Cooper and Hauskrecht (2015) and Guo et al. (2017) for the expected calibration error,
Kumar, Liang and Ma (2019) for the debiased estimators.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from reglab.core.elementary import exp
from reglab.core.metrics.binning import bin_edges
from reglab.core.metrics.predictions import top_label
from reglab.core.spec import Binning

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Reliability:
    """One row per bin, in order of confidence; empty bins are left out.

    Attributes:
        count: Examples in the bin, (M,) int64.
        lower: Smallest confidence in the bin ('quantile') or its left edge ('uniform'), (M,).
        upper: Largest confidence or right edge, (M,).
        confidence: Mean confidence, (M,).
        accuracy: Share of right answers, (M,).
    """

    count: NDArray[np.int64]
    lower: Floats
    upper: Floats
    confidence: Floats
    accuracy: Floats

    @property
    def gap(self) -> Floats:
        """Confidence minus accuracy: positive where the model is over-confident."""
        return self.confidence - self.accuracy


def reliability(confidence: Floats, right: Floats, bins: int, binning: Binning) -> Reliability:
    """Sort by confidence and average within ``bins`` bins.

    Args:
        confidence: (N,) in [0, 1].
        right: (N,), 1 where the answer is right, else 0.
        bins: M; with 'quantile' bins at most N of them are used.
        binning: 'quantile' for near-equal counts, 'uniform' for equal widths on [0, 1].
    """
    order = np.argsort(confidence)  # in ties any order gives the same sums
    return _of_sorted(confidence[order], right[order], bins, binning)


def table_of(
    logits: NDArray[np.float32], labels: NDArray[np.int64], bins: int, binning: Binning
) -> Reliability:
    """``reliability`` of logits (N, K) against labels (N,)."""
    return reliability(*top_label(logits, labels), bins, binning)


def _of_sorted(
    sorted_confidence: Floats, sorted_right: Floats, bins: int, binning: Binning
) -> Reliability:
    edges = bin_edges(sorted_confidence, bins, binning)
    count = np.diff(edges)
    filled = count > 0
    starts = edges[:-1][filled]
    count = count[filled]
    mean_confidence = np.add.reduceat(sorted_confidence, starts) / count
    accuracy = np.add.reduceat(sorted_right, starts) / count
    if binning == "uniform":
        widths = np.linspace(0, 1, bins + 1)
        lower, upper = widths[:-1][filled], widths[1:][filled]
    else:
        lower, upper = sorted_confidence[starts], sorted_confidence[starts + count - 1]
    return Reliability(count, lower, upper, mean_confidence, accuracy)


def expected_error(table: Reliability) -> float:
    """ECE = sum_m |Q_m| / N * |conf(Q_m) - acc(Q_m)|."""
    return float(np.sum(table.count * np.abs(table.gap)) / table.count.sum())


def maximum_error(table: Reliability) -> float:
    """MCE = max_m |conf(Q_m) - acc(Q_m)|."""
    return float(np.abs(table.gap).max())


def debiased_error(table: Reliability) -> float | None:
    """Debiased ECE: the plug-in minus its bias, at least 0; None where a bin has one example.

    The bias of bin m is E|g + s Z| - |g| for its gap g, the standard error s of its accuracy and
    a standard normal Z: the first-order correction of Kumar, Liang and Ma (2019), whose code
    samples Z.
    """
    errors = _standard_errors(table)
    if errors is None:
        return None
    share = table.count / table.count.sum()
    bias = folded_mean(table.gap, errors) - np.abs(table.gap)
    return float(max(np.sum(share * (np.abs(table.gap) - bias)), 0.0))


def debiased_root_mean_square(table: Reliability) -> float | None:
    """Root of the debiased squared error sum_m n_m/N [gap^2 - acc (1 - acc) / (n_m - 1)], or 0.

    Kumar, Liang and Ma (2019), definition 5.1. None where a bin has one example.
    """
    errors = _standard_errors(table)
    if errors is None:
        return None
    share = table.count / table.count.sum()
    return float(np.sqrt(max(np.sum(share * (table.gap**2 - errors**2)), 0.0)))


def _standard_errors(table: Reliability) -> Floats | None:
    if table.count.min() < 2:
        return None
    return np.asarray(np.sqrt(table.accuracy * (1 - table.accuracy) / (table.count - 1)))


def folded_mean(mean: Floats, deviation: Floats) -> Floats:
    """E|mean + deviation Z| for a standard normal Z  (Leone, Nelson and Nottingham, 1961)."""
    ratio = np.divide(
        mean, deviation, out=np.full(np.shape(mean), np.inf), where=np.asarray(deviation) > 0
    )
    density = np.sqrt(2 / np.pi) * exp(-np.minimum(ratio**2, 1e4) / 2)
    return np.asarray(deviation * density + np.abs(mean) * (1 - 2 * ndtr(-np.abs(ratio))))


def confidence_on_errors(confidence: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Empirical CDF of the confidence of wrong answers: sorted confidences, cumulative shares."""
    wrong = np.sort(confidence[right == 0])
    return wrong, np.arange(1, len(wrong) + 1) / max(len(wrong), 1)
