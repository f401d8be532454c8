"""The reliability diagram without bins, and the parts of the Brier score that belong to it.

CORP: consistent, optimally binned, reproducible, by the pool-adjacent-violators algorithm
(Dimitriadis, Gneiting and Jordan, 2021).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from reglab.core.metrics.confidences import Answers, Ints
from reglab.core.statistics import LEVEL

Floats = NDArray[np.float64]
RESAMPLES = 500
# Places at which the band is told: more cannot be seen.
MOST_PLACES = 101


@dataclass(frozen=True)
class Corp:
    """Accuracy as the rising step function of confidence that fits best.

    ``score = miscalibration - discrimination + uncertainty``, all of them at least 0.

    Attributes:
        lower: Smallest confidence of each step, (B,).
        upper: Largest, (B,).
        count: Examples of each step, (B,).
        confidence: Their mean confidence, (B,).
        accuracy: Their share of right answers, rising, (B,).
        score: Brier score of the confidence, mean (c - y)^2, with y 1 for right answers.
        miscalibration: MCB: what the score would gain if confidence were the step's accuracy.
        discrimination: DSC: what these steps gain over the overall accuracy.
        uncertainty: UNC: accuracy * (1 - accuracy).
    """

    lower: Floats
    upper: Floats
    count: Ints
    confidence: Floats
    accuracy: Floats
    score: float
    miscalibration: float
    discrimination: float
    uncertainty: float


@dataclass(frozen=True)
class Band:
    """Where the steps of a calibrated network are, at each place with a chance of 95 %.

    Attributes:
        confidence: Places, ascending, (P,).
        low: Lower end, (P,).
        high: Upper end, (P,).
    """

    confidence: Floats
    low: Floats
    high: Floats


def corp(answers: Answers) -> Corp:
    """Steps and parts of the score of answers; equal confidences are on one step."""
    starts = _steps(answers)
    ends = np.append(starts[1:], len(answers.count)) - 1
    count, right, confidence = (
        np.add.reduceat(values, starts)
        for values in (answers.count, answers.right, answers.count * answers.confidence)
    )
    accuracy = right / count
    overall = answers.right.sum() / answers.size
    uncertainty = float(overall * (1 - overall))
    # The mean of (c - y)^2 at a confidence is c^2 - 2 c acc + acc, as y^2 = y.
    c, hit = answers.confidence, answers.accuracy
    score = float(answers.share @ (c**2 - 2 * c * hit + hit))
    discrimination = float(count / answers.size @ (accuracy - overall) ** 2)
    return Corp(
        lower=answers.confidence[starts],
        upper=answers.confidence[ends],
        count=count,
        confidence=confidence / count,
        accuracy=accuracy,
        score=score,
        miscalibration=max(score + discrimination - uncertainty, 0.0),
        discrimination=discrimination,
        uncertainty=uncertainty,
    )


def _steps(answers: Answers) -> Ints:
    """Where the steps of the isotonic fit begin, indices of ``answers.confidence``."""
    fit = isotonic_regression(answers.accuracy, weights=answers.count.astype(np.float64))
    return np.asarray(fit.blocks[:-1], np.int64)


def consistency_band(answers: Answers, seed: int = 0) -> Band:
    """From 500 seeded sets of answers that are right as often as their confidence says.

    Pointwise, of the same confidences; Bröcker and Smith (2007) for the resampling.
    """
    chosen = np.unique(
        np.linspace(0, len(answers.count) - 1, min(len(answers.count), MOST_PLACES)).astype(int)
    )
    rng = np.random.default_rng(seed)
    weights = answers.count.astype(np.float64)
    drawn = rng.binomial(answers.count, answers.confidence, (RESAMPLES, len(answers.count)))
    fits = [isotonic_regression(hits / weights, weights=weights).x[chosen] for hits in drawn]
    low, high = np.quantile(fits, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return Band(answers.confidence[chosen], low, high)
