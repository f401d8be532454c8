"""Intervals of a mean against scipy, against plain resampling, and by how often they cover."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from reglab.core.statistics import bootstrap_mean, mean_interval


def test_student_interval_is_scipys():
    table = np.random.default_rng(0).normal(size=(7, 4, 3))
    mean, low, high = mean_interval(table)
    for at in np.ndindex(4, 3):
        column = table[:, *at]
        expected = stats.ttest_1samp(column, 0).confidence_interval(0.95)
        assert (low[at], high[at]) == pytest.approx((expected.low, expected.high))
        assert mean[at] == pytest.approx(column.mean())


def test_one_replicate_has_a_mean_and_no_interval():
    mean, low, high = mean_interval([[1.0, 2.0]])
    np.testing.assert_array_equal(mean, [1, 2])
    assert np.isnan([low, high]).all()
    alone = bootstrap_mean([3.0])
    assert (alone.value, alone.count) == (3.0, 1)
    assert np.isnan([alone.low, alone.high]).all()


def test_equal_values_have_an_interval_of_no_width():
    found = bootstrap_mean([0.25] * 6)
    assert (found.value, found.low, found.high) == (0.25, 0.25, 0.25)


def slow_bca(values, seed, resamples=20_000):
    """Efron (1987), equations 2.3 and 6.6, written out."""
    rng, size = np.random.default_rng(seed), len(values)
    means = np.sort([np.mean(rng.choice(values, size)) for _ in range(resamples)])
    bias = stats.norm.ppf(np.mean(means < np.mean(values)))
    left_out = np.array([np.mean(np.delete(values, k)) for k in range(size)])
    pull = left_out.mean() - left_out
    acceleration = np.sum(pull**3) / (6 * np.sum(pull**2) ** 1.5)
    ends = []
    for level in (0.025, 0.975):
        z = bias + stats.norm.ppf(level)
        ends.append(np.quantile(means, stats.norm.cdf(bias + z / (1 - acceleration * z))))
    return ends


def test_the_bootstrap_is_seeded_and_agrees_with_the_slow_one():
    values = np.random.default_rng(1).normal(size=12) ** 2
    found = bootstrap_mean(values)
    assert found == bootstrap_mean(values)
    assert (found.low, found.high) == pytest.approx(slow_bca(values, 2), abs=0.02)


def test_two_distinct_values_still_give_a_finite_interval():
    found = bootstrap_mean([0.0, 0.0, 0.0, 0.0, 0.0, 1.0])
    assert 0.0 <= found.low < found.value < found.high <= 1.0


@pytest.mark.slow
def test_the_bootstrap_covers_the_mean_nearly_as_often_as_it_says():
    """Ten replicates: below the nominal 95 %, as is known of the bootstrap, but not by much."""
    rng = np.random.default_rng(3)
    hits = [
        (found := bootstrap_mean(rng.normal(size=10))).low <= 0 <= found.high for _ in range(300)
    ]
    assert 0.85 < np.mean(hits) < 0.97
