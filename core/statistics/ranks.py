"""Ranks of several arms over seeds or datasets: Friedman's test and Nemenyi's distance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from reglab.core.statistics.paired import LEAST_PAIRS
from reglab.core.statistics.simultaneous import all_pairs_critical

Floats = NDArray[np.float64]
# Fewer arms are compared by their one test.
LEAST_ARMS = 3
# Values that agree in so many digits are tied: they differ by rounding.
DIGITS = 12


@dataclass(frozen=True)
class Ranks:
    """Average ranks (Demsar, 2006).

    Attributes:
        average: Average rank of each arm (k,), 1 for the best; ties share theirs.
        blocks: n, the number of seeds or datasets that all arms have.
        statistic: Friedman's chi-squared with k - 1 degrees of freedom, corrected for ties; None
            where it is not tested.
        p_value: Of all arms being alike; None likewise.
        critical_difference: Average ranks that differ by more are told apart at 5 % for all pairs
            together (Nemenyi, 1963); None likewise.
        reason: Why nothing is tested; None where it is.
    """

    average: list[float]
    blocks: int
    statistic: float | None = None
    p_value: float | None = None
    critical_difference: float | None = None
    reason: str | None = None


def rank_arms(table: ArrayLike, higher_is_better: bool) -> Ranks:
    """Ranks of values (n, k), n blocks of k arms."""
    data = np.asarray(table, np.float64)
    n, k = data.shape
    if not n:
        return Ranks([], 0, reason="No seed is finished in all arms.")
    if not np.isfinite(data).all():
        return Ranks([], n, reason="Some values are no finite numbers.")
    rounded = np.vectorize(lambda value: float(f"{value:.{DIGITS}g}"))(data)
    ranks = scipy.stats.rankdata(-rounded if higher_is_better else rounded, axis=1)
    average = ranks.mean(axis=0)
    reason = None
    if k < LEAST_ARMS:
        reason = "Two arms are compared by their paired test."
    elif n < LEAST_PAIRS:
        reason = f"{n} in common of at least {LEAST_PAIRS}."
    elif (ranks == ranks[:, :1]).all():
        reason = "All arms are tied everywhere."
    if reason is not None:
        return Ranks(average.tolist(), n, reason=reason)
    # Friedman (1937) with the variance of the ranks as they are, which corrects for ties.
    spread = ((ranks - (k + 1) / 2) ** 2).sum() / (n * (k - 1))
    statistic = n * float(((average - (k + 1) / 2) ** 2).sum()) / float(spread)
    return Ranks(
        average.tolist(),
        n,
        statistic,
        float(scipy.stats.chi2.sf(statistic, k - 1)),
        all_pairs_critical(k, math.inf) * math.sqrt(k * (k + 1) / (6 * n)),
    )
