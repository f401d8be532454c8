"""Several datasets: the definitions of Agarwal et al. (2021), written independently."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from reglab.core.statistics import (
    interquartile_mean,
    performance_profile,
    probability_of_improvement,
)

SIZES = (10, 8, 12)


def scores(shift=0.0, seed=0, sizes=SIZES):
    rng = np.random.default_rng(seed)
    # A grid, so that there are ties.
    return [np.round(rng.normal(at + shift, 1, n), 1) for at, n in enumerate(sizes)]


def bootstrap(statistic, *arms):
    """Percentile ends of a statistic, with the runs of each dataset drawn one by one."""
    rng = np.random.default_rng(99)
    found = [
        statistic(*([rng.choice(each, len(each)) for each in arm] for arm in arms))
        for _ in range(1000)
    ]
    return np.quantile(found, [0.025, 0.975], axis=0)


def check(estimate, statistic, *arms):
    assert estimate.value == pytest.approx(statistic(*arms))
    low, high = bootstrap(statistic, *arms)
    # Both ends vary by how the samples fall.
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=0.12 * (high - low))


def test_interquartile_mean():
    def middle(arm):
        ordered = np.sort(np.concatenate(arm))
        cut = len(ordered) // 4
        return ordered[cut : len(ordered) - cut].mean()

    check(interquartile_mean(scores()), middle, scores())


@pytest.mark.parametrize("higher_is_better", [True, False])
def test_probability_of_improvement(higher_is_better):
    def chance(a, b):
        better, worse = (b, a) if higher_is_better else (a, b)
        # Of the ranks of all, as in the test of Mann and Whitney.
        shares = []
        for x, y in zip(better, worse, strict=True):
            ranks = stats.rankdata(np.concatenate([x, y]))[: len(x)]
            shares.append((ranks.sum() - len(x) * (len(x) + 1) / 2) / len(x) / len(y))
        return np.mean(shares)

    a, b = scores(), scores(0.4, 1, (6, 9, 7))
    check(probability_of_improvement(a, b, higher_is_better), chance, a, b)
    same = probability_of_improvement(a, a, higher_is_better)
    assert same.value == pytest.approx(0.5)


@pytest.mark.parametrize("higher_is_better", [True, False])
def test_performance_profile(higher_is_better):
    thresholds = np.linspace(-1, 4, 12)

    def share(arm):
        pooled = np.concatenate(arm)
        return [np.mean(pooled > t if higher_is_better else pooled < t) for t in thresholds]

    found = performance_profile(scores(), thresholds, higher_is_better)
    np.testing.assert_allclose(found.share, share(scores()))
    low, high = bootstrap(share, scores())
    np.testing.assert_allclose(found.low, low, atol=0.04)
    np.testing.assert_allclose(found.high, high, atol=0.04)


def test_the_order_of_runs_moves_no_value_and_equal_scores_have_equal_ends():
    first, turned = scores(), [each[::-1] for each in scores()]
    assert interquartile_mean(first) == interquartile_mean(first)
    assert interquartile_mean(turned).value == pytest.approx(interquartile_mean(first).value)
