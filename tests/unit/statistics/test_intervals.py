"""Intervals of means and shares, against scipy and their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from reglab.core.statistics import interval_of_mean, mean_interval, share_interval


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
    alone = interval_of_mean([3.0])
    assert (alone.value, alone.count) == (3.0, 1)
    assert np.isnan([alone.low, alone.high]).all()


@given(st.floats(-1e6, 1e6), st.integers(2, 9))
def test_equal_values_tell_no_interval(value, count):
    found = interval_of_mean([value, *[value * (1 + 1e-15)] * (count - 1)])
    assert found.value == pytest.approx(value)
    assert np.isnan([found.low, found.high]).all()


@given(st.integers(0, 400), st.integers(1, 400))
def test_the_interval_of_a_share_holds_it_and_is_that_of_its_score(hits, count):
    hits = min(hits, count)
    low, high = share_interval(hits, count)
    share = hits / count
    assert 0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1
    for end in (low, high):
        # Wilson's ends are where the score test is just significant.
        if 0 < end < 1:
            score = abs(share - end) / np.sqrt(end * (1 - end) / count)
            assert score == pytest.approx(stats.norm.ppf(0.975), rel=1e-6) or end == share
