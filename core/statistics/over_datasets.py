"""Arms over several datasets, as defined by Agarwal et al. (2021): "Deep RL at the edge".

Intervals are of the stratified bootstrap: the runs of each dataset are drawn anew, with
replacement, and the datasets stay as they are. Seeds fixed, so that equal scores give equal ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from reglab.core.statistics.intervals import LEVEL

Floats = NDArray[np.float64]
# The scores of one arm: an array of its runs (n_d,) for each dataset d.
Scores = Sequence[Floats]
DRAWS = 2_000
SEED = 20210829
TAILS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)


@dataclass(frozen=True)
class Estimate:
    """A number with its percentile interval over ``DRAWS`` samples."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Profile:
    """Shares of runs that score better than each threshold.

    Attributes:
        thresholds: T of them, rising.
        share: At each threshold.
        low: Lower ends of the pointwise intervals.
        high: Upper ends.
    """

    thresholds: list[float]
    share: list[float]
    low: list[float]
    high: list[float]


def interquartile_mean(scores: Scores) -> Estimate:
    """Mean of the middle half of the runs of all datasets together."""
    rng = np.random.default_rng(SEED)
    drawn = [each[rng.integers(0, len(each), (DRAWS, len(each)))] for each in scores]
    middle = scipy.stats.trim_mean(np.concatenate(drawn, axis=1), 0.25, axis=1)
    return _estimate(float(scipy.stats.trim_mean(np.concatenate(scores), 0.25)), middle)


def probability_of_improvement(a: Scores, b: Scores, higher_is_better: bool) -> Estimate:
    """Chance that a run of b is better than one of a, mean over datasets; ties count half."""
    rng = np.random.default_rng(SEED)
    values, samples = [], []
    for first, second in zip(a, b, strict=True):
        gain = (second - first[:, None]) * (1.0 if higher_is_better else -1.0)
        wins = (gain > 0) + 0.5 * (gain == 0)
        values.append(wins.mean())
        often = _counts(rng, len(first)), _counts(rng, len(second))
        samples.append(((often[0] @ wins) * often[1]).sum(axis=1) / wins.size)
    return _estimate(float(np.mean(values)), np.mean(samples, axis=0))


def performance_profile(scores: Scores, thresholds: Floats, higher_is_better: bool) -> Profile:
    """Share of the runs of all datasets that are better than each of ``thresholds`` (T,)."""
    rng = np.random.default_rng(SEED)
    pooled = np.concatenate(scores)[:, None]
    better = pooled > thresholds if higher_is_better else pooled < thresholds
    often = np.concatenate([_counts(rng, len(each)) for each in scores], axis=1)
    low, high = np.quantile(often @ better / len(pooled), TAILS, axis=0)
    columns = (thresholds, better.mean(axis=0), low, high)
    return Profile(*(column.tolist() for column in columns))


def _counts(rng: np.random.Generator, count: int) -> Floats:
    """How often each of ``count`` runs is in each of the samples, (DRAWS, count)."""
    return rng.multinomial(count, np.full(count, 1 / count), DRAWS).astype(np.float64)


def _estimate(value: float, samples: Floats) -> Estimate:
    low, high = np.quantile(samples, TAILS)
    return Estimate(value, float(low), float(high))
