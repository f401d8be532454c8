"""Calibration: reliability tables and errors of predicted class probabilities.

Naeini, Cooper and Hauskrecht (2015) and Guo et al. (2017) for the expected calibration error,
Kumar, Liang and Ma (2019) for the debiased estimator, Nixon et al. (2019) for the classwise one
(SCE) and the adaptive one (ACE).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reglab.core.metrics.binning import bin_edges
from reglab.core.metrics.brier import decompose, squares
from reglab.core.metrics.predictions import log_probabilities, nll, top_label
from reglab.core.spec import Binning
from reglab.core.statistics import percentile_interval

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


@dataclass(frozen=True)
class CalibrationErrors:
    """Errors of one set of predictions.

    ``*_low`` and ``*_high`` are the ends of 95 % percentile bootstrap intervals over the examples.
    The Brier score is ``brier_reliability - brier_resolution + brier_uncertainty + brier_within``.
    """

    ece: float
    ece_low: float
    ece_high: float
    ece_debiased: float
    ece_classwise: float
    mce: float
    brier: float
    nll: float
    accuracy: float
    confidence: float
    ece_adaptive: float
    brier_reliability: float
    brier_resolution: float
    brier_uncertainty: float
    brier_within: float
    accuracy_low: float
    accuracy_high: float
    nll_low: float
    nll_high: float
    brier_low: float
    brier_high: float


def reliability(confidence: Floats, right: Floats, bins: int, binning: Binning) -> Reliability:
    """Sort by confidence and average within ``bins`` bins.

    Args:
        confidence: (N,) in [0, 1].
        right: (N,), 1 where the answer is right, else 0.
        bins: M; with 'quantile' bins at most N of them are used.
        binning: 'quantile' for near-equal counts, 'uniform' for equal widths on [0, 1].
    """
    order = np.argsort(confidence, kind="stable")
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


def debiased_error(table: Reliability) -> float:
    """Root of the debiased squared error, sum_m n_m/N [gap^2 - acc (1 - acc) / (n_m - 1)], or 0.

    Kumar, Liang and Ma (2019), definition 5.1: subtracts what sampling noise in each bin's accuracy
    adds to the plug-in estimate. Bins of a single example are left out.
    """
    used = table.count > 1
    count = table.count[used]
    noise = table.accuracy[used] * (1 - table.accuracy[used]) / np.maximum(count - 1, 1)
    square = np.sum(count * (table.gap[used] ** 2 - noise)) / max(table.count.sum(), 1)
    return float(np.sqrt(max(square, 0.0)))


def classwise_error(
    probabilities: Floats, labels: NDArray[np.int64], bins: int, b: Binning
) -> float:
    """Mean over classes of the ECE of p_k as the chance of class k."""
    errors = [
        expected_error(reliability(probabilities[:, k], (labels == k).astype(np.float64), bins, b))
        for k in range(probabilities.shape[1])
    ]
    return float(np.mean(errors))


def adaptive_error(probabilities: Floats, labels: NDArray[np.int64], ranges: int) -> float:
    """ACE = 1 / (K R) sum_k sum_r |acc(r, k) - conf(r, k)|  (Nixon et al., 2019, section 3.3).

    The R ranges of a class hold near-equal numbers of its probabilities, and count alike. Of the
    classwise error it differs in the ranges, whatever the spec's binning; there is no threshold.
    """
    gaps = [
        np.abs(
            reliability(
                probabilities[:, k], (labels == k).astype(np.float64), ranges, "quantile"
            ).gap
        ).mean()
        for k in range(probabilities.shape[1])
    ]
    return float(np.mean(gaps))


def bootstrap_interval(
    confidence: Floats,
    right: Floats,
    bins: int,
    binning: Binning,
    resamples: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile interval of the ECE over seeded resamples of the examples."""
    rng = np.random.default_rng(seed)
    order = np.argsort(confidence, kind="stable")
    sorted_confidence, sorted_right = confidence[order], right[order]
    size = len(confidence)
    errors = np.empty(resamples)
    for at in range(resamples):
        # Sorted draws keep the confidences sorted, so that no resample is sorted anew.
        times = np.bincount(rng.integers(0, size, size), minlength=size)
        drawn = np.repeat(np.arange(size), times)
        table = _of_sorted(sorted_confidence[drawn], sorted_right[drawn], bins, binning)
        errors[at] = expected_error(table)
    tail = 100 * (1 - level) / 2
    low, high = np.percentile(errors, [tail, 100 - tail])
    return float(low), float(high)


def errors(
    logits: NDArray[np.float32],
    labels: NDArray[np.int64],
    bins: int = 15,
    binning: Binning = "quantile",
    resamples: int = 200,
) -> CalibrationErrors:
    """All calibration errors of logits (N, K) against labels (N,)."""
    p = np.exp(log_probabilities(logits))
    confidence, right = top_label(logits, labels)
    table = reliability(confidence, right, bins, binning)
    low, high = bootstrap_interval(confidence, right, bins, binning, resamples)
    losses, square = nll(logits, labels), squares(p, labels)
    parts = decompose(p, labels, bins, binning)
    intervals = percentile_interval(np.stack([right, losses, square]), resamples).tolist()
    return CalibrationErrors(
        ece=expected_error(table),
        ece_low=low,
        ece_high=high,
        ece_debiased=debiased_error(table),
        ece_classwise=classwise_error(p, labels, bins, binning),
        mce=maximum_error(table),
        brier=float(square.mean()),
        nll=float(losses.mean()),
        accuracy=float(right.mean()),
        confidence=float(confidence.mean()),
        ece_adaptive=adaptive_error(p, labels, bins),
        brier_reliability=parts.reliability,
        brier_resolution=parts.resolution,
        brier_uncertainty=parts.uncertainty,
        brier_within=parts.within,
        accuracy_low=intervals[0][0],
        accuracy_high=intervals[0][1],
        nll_low=intervals[1][0],
        nll_high=intervals[1][1],
        brier_low=intervals[2][0],
        brier_high=intervals[2][1],
    )


def confidence_on_errors(confidence: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Empirical CDF of the confidence of wrong answers: sorted confidences, cumulative shares."""
    wrong = np.sort(confidence[right == 0])
    return wrong, np.arange(1, len(wrong) + 1) / max(len(wrong), 1)
