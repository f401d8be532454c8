"""Confidence intervals of a mean over replicates or examples, and of a share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # its parts, slow to import, are loaded at first use
from numpy.typing import ArrayLike, NDArray

LEVEL = 0.95
# Values whose range is smaller, relative to their size, differ by rounding alone.
ROUNDING = 1e-12
# Differences whose square rounds to zero have no variance.
SMALLEST = 1e-150
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A mean with its confidence interval.

    Attributes:
        value: The mean.
        low: Lower end; NaN where the values do not tell their spread.
        high: Upper end; NaN likewise.
        count: Number of values.
    """

    value: float
    low: float
    high: float
    count: int


def are_equal(values: ArrayLike, scale: float = 0.0) -> bool:
    """Whether values differ by no more than rounding: they do not tell how far others spread.

    ``scale`` is the size of the numbers that they are differences of, if they are.
    """
    data = np.asarray(values, np.float64)
    rounding = ROUNDING * max(scale, float(np.abs(data).max()))
    return bool(np.ptp(data) <= max(rounding, SMALLEST))


def interval_of_mean(values: Sequence[float], level: float = LEVEL) -> Interval:
    """Mean of replicates (n,) with Student's t interval; of one or of equal ones the ends are NaN.

    It covers as often as it says for differences of pairs, whose distribution is nearly symmetric,
    from three replicates on; ``python -m benchmarks.coverage`` measures it.
    """
    mean, low, high = (float(end) for end in mean_interval(values, level))
    if are_equal(values):
        low = high = np.nan
    return Interval(mean, low, high, len(values))


def mean_interval(table: ArrayLike, level: float = LEVEL) -> tuple[Floats, Floats, Floats]:
    """Mean over the first axis and Student's t interval, each of the other axes' shape.

    mean -+ t_{n-1} s / sqrt(n), with s the standard deviation with n - 1 in the denominator. NaN
    stands for a replicate that is missing. Of a single one the ends are NaN: one value does not
    tell its spread.
    """
    data = np.asarray(table, np.float64)
    there = ~np.isnan(data)
    count = there.sum(axis=0)
    mean = np.where(there, data, 0.0).sum(axis=0) / np.where(count > 0, count, np.nan)
    squares = np.where(there, (data - mean) ** 2, 0.0).sum(axis=0)
    free = np.where(count > 1, count - 1, np.nan)
    critical = scipy.special.stdtrit(free, (1 + level) / 2)
    half = critical * np.sqrt(squares / free / np.maximum(count, 1))
    return mean, mean - half, mean + half


def share_interval(hits: float, count: int, level: float = LEVEL) -> tuple[float, float]:
    """Interval of a share of ``hits`` in ``count`` examples (Wilson, 1927)."""
    z = float(scipy.special.ndtri((1 + level) / 2))
    share = hits / count
    middle, half = (
        share + z**2 / (2 * count),
        z * np.sqrt(share * (1 - share) / count + (z / (2 * count)) ** 2),
    )
    low, high = ((middle + sign * half) / (1 + z**2 / count) for sign in (-1, 1))
    return float(max(low, 0.0)) if hits else 0.0, float(min(high, 1.0)) if hits < count else 1.0
