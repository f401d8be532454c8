"""Paired comparisons: replicates with equal seeds, and answers to the same test examples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from reglab.core.statistics.intervals import LEVEL, are_equal, interval_of_mean

Floats = NDArray[np.float64]
# Two pairs tell their spread so badly that their interval is twelve times as wide as for many.
LEAST_PAIRS = 3


@dataclass(frozen=True)
class PairedDifference:
    """b minus a over n pairs.

    Attributes:
        count: n.
        mean_a: Mean of a.
        mean_b: Mean of b.
        difference: Mean of b - a.
        low: Lower end of its 95 % interval by Student's t; None for fewer than LEAST_PAIRS pairs,
            and where all differences are equal.
        high: Upper end; None likewise.
        effect_size: Hedges' g_z: mean over standard deviation of the differences, corrected for
            small n; None where they do not vary.
        p_value: Of the paired t-test; None where it has none.
    """

    count: int
    mean_a: float
    mean_b: float
    difference: float
    low: float | None
    high: float | None
    effect_size: float | None
    p_value: float | None


@dataclass(frozen=True)
class McNemar:
    """Answers that one of two classifiers alone has right.

    Attributes:
        only_a: Examples that a alone has right.
        only_b: Examples that b alone has right.
        p_value: Exact two-sided binomial test of only_a = only_b (McNemar, 1947).
        odds_ratio: only_b / only_a; None if only_a is 0.
    """

    only_a: int
    only_b: int
    p_value: float
    odds_ratio: float | None


def compare_pairs(a: ArrayLike, b: ArrayLike) -> PairedDifference:
    """Compare values (n,) that belong together in pairs, as of equal seeds or equal examples.

    Interval and p-value are of one test: 0 is outside of the one where the other is below 5 %.
    """
    left, right = np.asarray(a, np.float64), np.asarray(b, np.float64)
    change = right - left
    mean = interval_of_mean(change.tolist())
    scale = float(max(np.abs(left).max(), np.abs(right).max()))
    known = len(change) >= LEAST_PAIRS and not are_equal(change, scale)
    return PairedDifference(
        count=len(change),
        mean_a=float(left.mean()),
        mean_b=float(right.mean()),
        difference=mean.value,
        low=mean.low if known else None,
        high=mean.high if known else None,
        effect_size=hedges(change) if known else None,
        p_value=t_test(change) if known else None,
    )


def t_test(change: Floats) -> float:
    """Two-sided p-value of the mean of differences (n,) being 0, by Student's t."""
    t = float(np.sqrt(len(change)) * change.mean() / change.std(ddof=1))
    return 2 * t_tail(abs(t), len(change) - 1)


def t_tail(t: float, free: int) -> float:
    """Chance that Student's t with ``free`` degrees of freedom exceeds ``t``."""
    return float(scipy.special.stdtr(free, -t))


def hedges(change: Floats) -> float:
    """Hedges' g_z of differences (n,): d_z times 1 - 3 / (4 (n - 1) - 1)  (Hedges, 1981)."""
    correction = 1 - 3 / (4 * (len(change) - 1) - 1)
    return float(correction * change.mean() / change.std(ddof=1))


def effect_interval(change: ArrayLike, level: float = LEVEL) -> tuple[float, float]:
    """Interval of the standardized mean difference of pairs from differences (n,) that vary.

    sqrt(n) d_z has a noncentral t distribution; the ends are where d_z is just significant
    (Steiger and Fouladi, 1997). It is exact for normal differences.
    """
    data = np.asarray(change, np.float64)
    free, root = len(data) - 1, np.sqrt(len(data))
    t = root * float(data.mean() / data.std(ddof=1))
    # Of the size alone, so that the order of a and b changes the sign and nothing else.
    ends = scipy.special.nctdtrinc(free, [(1 + level) / 2, (1 - level) / 2], abs(t)) / root
    low, high = (float(end) for end in ends)
    return (low, high) if t >= 0 else (-high, -low)


def equivalence_p(change: ArrayLike, margin: float) -> float:
    """P-value of the mean of differences (n,) lying within -margin and margin.

    The greater of the two one-sided t-tests (Schuirmann, 1987).
    """
    data = np.asarray(change, np.float64)
    error = data.std(ddof=1) / np.sqrt(len(data))
    return t_tail((margin - abs(float(data.mean()))) / error, len(data) - 1)


def mcnemar(right_a: ArrayLike, right_b: ArrayLike) -> McNemar:
    """Compare two classifiers' right answers (N,), true or false, on the same examples."""
    a, b = np.asarray(right_a, bool), np.asarray(right_b, bool)
    only_a, only_b = int(np.sum(a & ~b)), int(np.sum(b & ~a))
    differing = only_a + only_b
    p_value = float(scipy.stats.binomtest(only_a, differing, 0.5).pvalue) if differing else 1.0
    return McNemar(only_a, only_b, p_value, only_b / only_a if only_a else None)
