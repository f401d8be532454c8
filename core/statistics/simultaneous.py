"""Distributions of the greatest of several statistics, for tests and intervals of all together."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache, partial

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from reglab.core.statistics.intervals import LEVEL

Floats = NDArray[np.float64]
# A shared standard normal and its weights; sums of smooth functions over it converge fast.
NORMAL = np.linspace(-9, 9, 91)
WEIGHTS = np.exp(-(NORMAL**2) / 2) / np.exp(-(NORMAL**2) / 2).sum()
POINTS = 180
TAIL = 1e-14


def greatest_against_one(t: ArrayLike, count: int, free: float) -> Floats:
    """Chance that any of ``count`` arms is as far from one baseline as t (m,)  (Dunnett, 1955).

    Two-sided, for statistics with a correlation of 1/2 and one common error of ``free`` degrees of
    freedom.
    """

    def exceeds(distance: Floats) -> Floats:
        # Given the baseline's own noise, the arms are independent.
        shift = NORMAL[None, :]
        reach = np.sqrt(2) * distance[:, None]
        outside = scipy.special.ndtr(shift - reach) + scipy.special.ndtr(-shift - reach)
        chance: Floats = _any_of(outside, count) @ WEIGHTS
        return chance

    return _with_error(exceeds, t, free)


def greatest_of_all_pairs(t: ArrayLike, arms: int, free: float) -> Floats:
    """Chance that any two of ``arms`` are as far apart as t (m,)  (Tukey, 1953).

    That of the studentized range at sqrt(2) t with ``free`` degrees of freedom.
    """

    def exceeds(distance: Floats) -> Floats:
        reach = np.sqrt(2) * distance[:, None]
        top = NORMAL[None, :]
        # The greatest is at ``top``, and all others within the range below it.
        within = scipy.special.ndtr(top) - scipy.special.ndtr(top - reach)
        chance: Floats = np.clip(1 - arms * (within ** (arms - 1)) @ WEIGHTS, 0, 1)
        return chance

    return _with_error(exceeds, t, free)


@lru_cache(maxsize=512)
def against_one_critical(count: int, free: float, level: float = LEVEL) -> float:
    """The t that the greatest of ``count`` differences from a baseline exceeds in 1 - level."""
    return _critical(partial(greatest_against_one, count=count, free=free), level)


@lru_cache(maxsize=512)
def all_pairs_critical(arms: int, free: float, level: float = LEVEL) -> float:
    """The t that the greatest of all differences of pairs exceeds in 1 - level."""
    return _critical(partial(greatest_of_all_pairs, arms=arms, free=free), level)


def _any_of(chance: Floats, count: int) -> Floats:
    """1 - (1 - chance) ** count, for small chances, too."""
    with np.errstate(divide="ignore"):
        found: Floats = -np.expm1(count * np.log1p(-np.minimum(chance, 1.0)))
    return found


def _with_error(exceeds: Callable[[Floats], Floats], t: ArrayLike, free: float) -> Floats:
    """Mean over the distribution of an estimated standard deviation, relative to the true one."""
    distance = np.abs(np.atleast_1d(np.asarray(t, np.float64)))
    if math.isinf(free):
        return exceeds(distance)
    ratio, weights = _errors(free)
    return np.array([exceeds(one * ratio) @ weights for one in distance])


@lru_cache(maxsize=512)
def _errors(free: float) -> tuple[Floats, Floats]:
    """Estimated over true standard deviation (POINTS,), evenly on a log scale, and weights."""
    low, high = scipy.stats.chi2.ppf(TAIL, free), scipy.stats.chi2.isf(TAIL, free)
    ratio = np.linspace(np.log(low / free) / 2, np.log(high / free) / 2, POINTS)
    density = free * (ratio - np.exp(2 * ratio) / 2)
    weights = np.exp(density - density.max())
    return np.exp(ratio), weights / weights.sum()


def _critical(p_value: Callable[[float], Floats], level: float) -> float:
    top = 4.0
    while p_value(top)[0] > 1 - level:
        top *= 2
    return float(scipy.optimize.brentq(lambda t: p_value(t)[0] - (1 - level), 0, top, xtol=1e-10))
