"""All calibration errors of predicted class probabilities.

Nixon et al. (2019) for the classwise error (SCE) and the adaptive one (ACE).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reglab.core.elementary import exp
from reglab.core.metrics.brier import decompose, squares
from reglab.core.metrics.calibration_noise import noise_floor, true_error_interval
from reglab.core.metrics.predictions import is_right, log_probabilities, of_labels
from reglab.core.metrics.reliability import (
    Reliability,
    debiased_error,
    debiased_root_mean_square,
    expected_error,
    maximum_error,
    reliability,
)
from reglab.core.spec import Binning
from reglab.core.statistics import mean_interval, share_interval

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ConfidenceError:
    """The ECE of the confidence, the interval of the true error, and what chance makes of it.

    ``ece_low`` and ``ece_high`` are the ends of a 95 % interval by inverting a test; ``ece_floor``
    and ``ece_floor_high`` the mean and the 95th percentile of the ECE of a perfectly calibrated
    network with the same confidences.
    """

    ece: float
    ece_low: float
    ece_high: float
    ece_floor: float
    ece_floor_high: float
    ece_above_floor: bool


@dataclass(frozen=True)
class CalibrationErrors(ConfidenceError):
    """Errors of one set of predictions.

    ``*_low`` and ``*_high`` are the ends of 95 % intervals over the examples: of the accuracy by
    Wilson's score, of the means of NLL and Brier score by Student's t. Debiased errors are None
    where a bin has one example. The Brier score is
    ``brier_reliability - brier_resolution + brier_uncertainty + brier_within``.
    """

    ece_debiased: float | None
    rmsce_debiased: float | None
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


def confidence_error(
    table: Reliability, confidence: Floats, bins: int, binning: Binning
) -> ConfidenceError:
    """Of a table that ``reliability`` made of confidences (N,) in this way."""
    ece, floor = expected_error(table), noise_floor(confidence, bins, binning)
    low, high = true_error_interval(table)
    return ConfidenceError(
        ece=ece,
        ece_low=low,
        ece_high=high,
        ece_floor=floor.mean,
        ece_floor_high=floor.high,
        ece_above_floor=floor.is_exceeded_by(ece),
    )


def class_tables(
    probabilities: Floats, labels: NDArray[np.int64], bins: int, binning: Binning
) -> list[Reliability]:
    """For each class k, the reliability of p_k as the chance of class k."""
    columns = np.ascontiguousarray(probabilities.T)
    return [
        reliability(column, (labels == k).astype(np.float64), bins, binning)
        for k, column in enumerate(columns)
    ]


def classwise_error(tables: Sequence[Reliability]) -> float:
    """SCE: mean over classes of the ECE of p_k as the chance of class k."""
    return float(np.mean([expected_error(table) for table in tables]))


def adaptive_error(tables: Sequence[Reliability]) -> float:
    """ACE = 1 / (K R) sum_k sum_r |acc(r, k) - conf(r, k)|  (Nixon et al., 2019, section 3.3).

    The R ranges of a class hold near-equal numbers of its probabilities ('quantile' tables), and
    count alike; there is no threshold.
    """
    return float(np.mean([np.abs(table.gap).mean() for table in tables]))


def errors(
    logits: NDArray[np.float32],
    labels: NDArray[np.int64],
    bins: int = 15,
    binning: Binning = "quantile",
) -> CalibrationErrors:
    """All calibration errors of logits (N, K) against labels (N,)."""
    log_p = log_probabilities(logits)
    p, losses = exp(log_p), -of_labels(log_p, labels)
    confidence, right = p.max(axis=1), is_right(logits, labels).astype(np.float64)
    table = reliability(confidence, right, bins, binning)
    square = squares(p, labels)
    by_class = class_tables(p, labels, bins, binning)
    ranges = by_class if binning == "quantile" else class_tables(p, labels, bins, "quantile")
    parts = decompose(by_class, float(square.mean()))
    accuracy_low, accuracy_high = share_interval(right.sum(), len(right))
    _, lows, highs = mean_interval(np.stack([losses, square], axis=1))
    return CalibrationErrors(
        **vars(confidence_error(table, confidence, bins, binning)),
        ece_debiased=debiased_error(table),
        rmsce_debiased=debiased_root_mean_square(table),
        ece_classwise=classwise_error(by_class),
        mce=maximum_error(table),
        brier=float(square.mean()),
        nll=float(losses.mean()),
        accuracy=float(right.mean()),
        confidence=float(confidence.mean()),
        ece_adaptive=adaptive_error(ranges),
        brier_reliability=parts.reliability,
        brier_resolution=parts.resolution,
        brier_uncertainty=parts.uncertainty,
        brier_within=parts.within,
        accuracy_low=accuracy_low,
        accuracy_high=accuracy_high,
        nll_low=float(lows[0]),
        nll_high=float(highs[0]),
        brier_low=float(lows[1]),
        brier_high=float(highs[1]),
    )
