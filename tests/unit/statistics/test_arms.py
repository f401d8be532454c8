"""Comparisons of several arms against scipy and against independent calculations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats

from reglab.core.statistics import (
    adjusted,
    compare_arms,
    compare_pairs,
    effect_interval,
    equivalence_p,
    rank_arms,
)
from reglab.core.statistics.simultaneous import (
    against_one_critical,
    all_pairs_critical,
    greatest_against_one,
    greatest_of_all_pairs,
)

# Critical values of Demsar (2006), table 5(a), for 2 to 10 arms.
NEMENYI = (1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164)


def table(seeds=7, arms=4, seed=0):
    """Values (seeds, arms): noise that seeds share, and arms that differ."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(seeds, 1))
    return shared + rng.normal(scale=0.5, size=(seeds, arms)) + 0.6 * np.arange(arms)


def arms_of(values):
    return [dict(enumerate(column.tolist())) for column in values.T]


def test_holm_against_a_baseline_is_scipys_tests_corrected():
    values = table()
    found = compare_arms(arms_of(values), baseline=1)
    assert [(one.a, one.b) for one in found] == [(1, 0), (1, 2), (1, 3)]
    tests = [stats.ttest_rel(values[:, b], values[:, 1]) for b in (0, 2, 3)]
    p_values = np.array([one.pvalue for one in tests])
    assert [one.p_value for one in found] == pytest.approx(p_values)
    order = np.argsort(p_values)
    expected = np.empty(3)
    expected[order] = np.minimum(np.maximum.accumulate(p_values[order] * [3, 2, 1]), 1)
    assert [one.p_adjusted for one in found] == pytest.approx(expected)
    for one, test in zip(found, tests, strict=True):
        interval = test.confidence_interval(1 - 0.05 / 3)
        assert (one.low, one.high) == pytest.approx((interval.low, interval.high))
        assert (one.decision != "undecided") == (one.p_adjusted <= 0.05)


def residual(values):
    """Error and its degrees of freedom, by least squares on indicators of seeds and arms."""
    n, k = values.shape
    rows, columns = np.indices(values.shape)
    design = np.hstack([np.eye(n)[rows.ravel()], np.eye(k)[columns.ravel()][:, 1:]])
    _, squares, rank, _ = np.linalg.lstsq(design, values.ravel(), rcond=None)
    free = values.size - rank
    return math.sqrt(2 * squares[0] / free / n), free


def test_tukey_is_the_studentized_range_of_the_residual():
    values = table()
    error, free = residual(values)
    for one in compare_arms(arms_of(values), adjust="tukey"):
        mean = values[:, one.b].mean() - values[:, one.a].mean()
        reach = stats.studentized_range.sf(math.sqrt(2) * abs(mean) / error, 4, free)
        half = stats.studentized_range.ppf(0.95, 4, free) * error / math.sqrt(2)
        assert one.p_adjusted == pytest.approx(reach, abs=1e-9)
        assert (one.low, one.high) == pytest.approx((mean - half, mean + half))


def test_dunnett_is_the_multivariate_t_of_the_residual():
    values = table()
    error, free = residual(values)
    found = compare_arms(arms_of(values), baseline=0, adjust="dunnett")
    shape = 0.5 * (np.eye(3) + 1)
    rng = np.random.default_rng(0)
    for one in found:
        mean = values[:, one.b].mean() - values[:, 0].mean()
        ends = np.full(3, abs(mean) / error)
        inside = stats.multivariate_t.cdf(
            ends, shape=shape, df=free, lower_limit=-ends, random_state=rng, maxpts=200_000
        )
        assert one.p_adjusted == pytest.approx(1 - inside, abs=2e-4)


def test_the_greatest_against_one_is_that_of_scipys_dunnett():
    groups = [np.random.default_rng(at).normal(0.4 * at, size=8) for at in range(4)]
    found = stats.dunnett(*groups[1:], control=groups[0], random_state=0)
    ours = greatest_against_one(found.statistic, 3, 4 * 7)
    assert ours == pytest.approx(found.pvalue, abs=1e-3)


@pytest.mark.parametrize("free", [2, 7, 40])
def test_two_arms_have_students_distribution(free):
    t = np.array([0.0, 0.5, 2.0, 6.0])
    for found in (greatest_against_one(t, 1, free), greatest_of_all_pairs(t, 2, free)):
        assert found == pytest.approx(2 * stats.t.sf(t, free), abs=1e-11)
    expected = stats.t.ppf(0.975, free)
    assert against_one_critical(1, free) == pytest.approx(expected)
    assert all_pairs_critical(2, free) == pytest.approx(expected)


def test_ranks_are_friedmans_with_nemenyis_distance():
    values = table()
    found = rank_arms(values, higher_is_better=True)
    expected = stats.friedmanchisquare(*values.T)
    assert (found.statistic, found.p_value) == pytest.approx(expected)
    assert found.average == pytest.approx(stats.rankdata(-values, axis=1).mean(axis=0))
    for k, q in enumerate(NEMENYI, 2):
        assert all_pairs_critical(k, math.inf) == pytest.approx(q, abs=1.1e-3)
    assert found.critical_difference == pytest.approx(NEMENYI[2] * math.sqrt(20 / 42), abs=1e-3)


def test_ties_share_their_ranks():
    values = np.array([[1, 1, 2], [3, 1, 1], [2, 2, 2], [1, 2, 3]], float)
    found = rank_arms(values + np.array([1e-15, 0, 0]), higher_is_better=False)
    assert found.average == pytest.approx([1.875, 1.75, 2.375])
    assert (found.statistic, found.p_value) == pytest.approx(stats.friedmanchisquare(*values.T))
    tied = rank_arms(np.ones((4, 3)), higher_is_better=True)
    assert (tied.average, tied.p_value) == ([2, 2, 2], None)
    assert rank_arms(np.ones((4, 2)), higher_is_better=True).reason is not None
    assert rank_arms(np.empty((0, 3)), higher_is_better=True).reason is not None


@settings(max_examples=30)
@given(st.integers(3, 30), st.floats(-8, 8))
def test_the_ends_of_an_effect_size_are_where_it_is_just_significant(count, size):
    change = stats.zscore(np.random.default_rng(count).normal(size=count), ddof=1) + size
    low, high = effect_interval(change)
    t = math.sqrt(count) * change.mean() / change.std(ddof=1)
    below = [chance_below(t, count - 1, math.sqrt(count) * end) for end in (low, high)]
    assert below == pytest.approx([0.975, 0.025], abs=1e-5)


def chance_below(t, free, noncentrality):
    """Of a noncentral t: the mean over the standard deviation of a normal's distribution."""

    def inner(ratio):
        squares = free * ratio**2
        density = (free / 2 - 0.5) * math.log(squares / 2) - squares / 2 - math.lgamma(free / 2)
        return math.sqrt(2 * free) * math.exp(density) * special.ndtr(t * ratio - noncentrality)

    return integrate.quad(inner, 1e-12, 6, limit=200, points=[1.0])[0]


def test_equivalence_is_two_one_sided_tests():
    change = np.random.default_rng(0).normal(0.1, 0.2, 12)
    for margin in (0.05, 0.2, 0.5):
        one = stats.ttest_1samp(change, margin, alternative="less").pvalue
        other = stats.ttest_1samp(change, -margin, alternative="greater").pvalue
        assert equivalence_p(change, margin) == pytest.approx(max(one, other))


@pytest.mark.parametrize(("adjust", "baseline"), [("holm", 0), ("dunnett", 0), ("tukey", None)])
def test_arms_within_the_margin_are_equivalent(adjust, baseline):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(12, 1)) + rng.normal(scale=0.01, size=(12, 3)) + [0, 0, 1]
    found = compare_arms(arms_of(values), baseline, adjust, margin=0.1)
    assert [one.decision for one in found][:2] == ["equivalent", "higher"]
    assert found[0].p_equivalent_adjusted <= 0.05 < found[1].p_equivalent_adjusted


def test_hypotheses_that_exclude_each_other_are_not_corrected_twice():
    p_values = [0.01, 0.02, 0.03, 0.9]
    # At most two are true: twice the smallest, never four times.
    assert adjusted(p_values, most_true=2) == pytest.approx([0.02, 0.04, 0.06, 0.9])
    assert adjusted(p_values, most_true=4) == pytest.approx(adjusted(p_values))


def test_what_cannot_be_decided_says_why():
    whole = {seed: float(seed**2) for seed in range(5)}
    arms = {
        "few": {0: 1.0, 1: 2.0, 9: 0.0},
        "none": {7: 1.0, 8: 2.0},
        "equal": {seed: value + 1 for seed, value in whole.items()},
        "nan": whole | {3: math.nan},
        "infinite": whole | {2: math.inf},
        "fine": {seed: value + 3 + seed % 2 for seed, value in whole.items()},
    }
    found = dict(zip(arms, compare_arms([whole, *arms.values()], baseline=0), strict=True))
    for name, words in {
        "few": "2 of at least 3",
        "none": "no seed in common",
        "equal": "equal",
        "nan": "seed 3",
        "infinite": "seed 2",
    }.items():
        one = found[name]
        assert words in one.reason
        assert (one.p_value, one.p_adjusted, one.low, one.effect_size) == (None,) * 4
        assert one.decision == "undecided"
    # What has no test is no part of the family either.
    alone = compare_pairs(list(whole.values()), list(arms["fine"].values()))
    assert found["fine"].p_adjusted == pytest.approx(alone.p_value)
    assert found["few"].difference == pytest.approx(1.5 - 0.5 - 0.0, abs=1)


def test_one_error_needs_the_same_seeds_and_numbers_everywhere():
    ragged = [{0: 1.0, 1: 2.0, 2: 0.0}, {0: 1.0, 1: 3.0, 2: 1.0, 3: 1.0}, {0: 2.0, 1: 2.0, 2: 1.0}]
    with pytest.raises(ValueError, match="same seeds"):
        compare_arms(ragged, 0, "dunnett")
    with pytest.raises(ValueError, match="baseline"):
        compare_arms(ragged, None, "dunnett")
    with pytest.raises(ValueError, match="without a baseline"):
        compare_arms(ragged, 0, "tukey")
    values = table()
    values[2, 3] = math.nan
    found = compare_arms(arms_of(values), 0, "dunnett")
    assert {one.p_adjusted for one in found} == {None}
    assert all("seed 2" in one.reason for one in found)
    short = compare_arms(arms_of(table(2)), adjust="tukey")
    assert all("2 of at least 3" in one.reason for one in short)
    level = np.arange(5.0)[:, None] + np.arange(3.0)
    assert all("equal" in one.reason for one in compare_arms(arms_of(level), adjust="tukey"))
