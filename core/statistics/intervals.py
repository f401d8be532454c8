"""Confidence intervals of a mean over replicates."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy  # its stats, slow to import, are loaded at first use
from numpy.typing import ArrayLike, NDArray

LEVEL = 0.95
RESAMPLES = 9999
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A mean with its confidence interval.

    Attributes:
        value: The mean.
        low: Lower end; NaN where there are too few values for an interval.
        high: Upper end; NaN likewise.
        count: Number of values.
    """

    value: float
    low: float
    high: float
    count: int


def bootstrap_mean(values: Sequence[float], level: float = LEVEL, seed: int = 0) -> Interval:
    """Mean with its BCa bootstrap interval (Efron, 1987) from 9,999 seeded resamples.

    Equal values give an interval of no width, a single value none (NaN).
    """
    data = np.asarray(values, np.float64)
    mean = float(data.mean())
    if len(data) < 2:
        return Interval(mean, np.nan, np.nan, len(data))
    if np.ptp(data) == 0:
        return Interval(mean, mean, mean, len(data))
    found = _bootstrap(data, level, seed, "BCa")
    if not np.isfinite(found).all():
        found = _bootstrap(data, level, seed, "percentile")
    return Interval(mean, found[0], found[1], len(data))


def mean_interval(table: ArrayLike, level: float = LEVEL) -> tuple[Floats, Floats, Floats]:
    """Mean over the first axis and Student's t interval, each of the other axes' shape.

    mean -+ t_{n-1} s / sqrt(n), with s the standard deviation with n - 1 in the denominator. NaN
    stands for a replicate that is not there. Of a single one the ends are NaN: one value says
    nothing about its spread.
    """
    data = np.asarray(table, np.float64)
    there = ~np.isnan(data)
    count = there.sum(axis=0)
    mean = np.where(there, data, 0.0).sum(axis=0) / np.where(count > 0, count, np.nan)
    squares = np.where(there, (data - mean) ** 2, 0.0).sum(axis=0)
    free = np.where(count > 1, count - 1, np.nan)
    half = scipy.stats.t.ppf((1 + level) / 2, free) * np.sqrt(squares / free / np.maximum(count, 1))
    return mean, mean - half, mean + half


def percentile_interval(
    scores: Floats, resamples: int = 2000, level: float = LEVEL, seed: int = 0
) -> Floats:
    """Bootstrap interval (S, 2) of the mean of each of S scores (S, N), over the same examples."""
    rng = np.random.default_rng(seed)
    size = scores.shape[1]
    means = np.empty((len(scores), resamples))
    for at in range(resamples):
        # How often each example was drawn; its scores are then read in order, not at random.
        times = np.bincount(rng.integers(0, size, size), minlength=size)
        means[:, at] = scores @ times / size
    tail = 100 * (1 - level) / 2
    return np.asarray(np.percentile(means, [tail, 100 - tail], axis=1).T)


def _bootstrap(data: Floats, level: float, seed: int, method: str) -> tuple[float, float]:
    options: dict[str, Any] = {"n_resamples": RESAMPLES, "confidence_level": level}
    with warnings.catch_warnings():
        # Where the acceleration is undefined the ends are NaN, which the caller looks at.
        warnings.simplefilter("ignore")
        found = scipy.stats.bootstrap(
            (data,), np.mean, axis=-1, method=method, rng=np.random.default_rng(seed), **options
        ).confidence_interval
    return float(found.low), float(found.high)
