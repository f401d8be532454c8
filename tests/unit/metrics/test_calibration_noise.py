"""The noise floor and the interval of the true error, by simulation and against other code."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.coverage import CONFIDENCES, SIZES, TRUE_ERRORS, calibration_rows, seed_rows
from reglab.core.metrics.calibration_noise import (
    accuracy_bands,
    noise_floor,
    true_error_interval,
)
from reglab.core.metrics.reliability import (
    debiased_error,
    expected_error,
    folded_mean,
    reliability,
)


def answers(size, error=0.0, seed=0, confidence=None):
    rng = np.random.default_rng(seed)
    confidence = rng.uniform(0.5, 1, size) if confidence is None else confidence
    return confidence, (rng.random(size) < confidence - error).astype(float)


def test_the_mean_of_a_folded_normal_is_that_of_draws():
    draws = np.random.default_rng(0).normal(size=400_000)
    for mean, deviation in [(0.0, 1.0), (0.3, 1.0), (-2.0, 0.5), (0.1, 0.0), (0.0, 0.0)]:
        expected = np.abs(mean + deviation * draws).mean()
        found = folded_mean(np.array([mean]), np.array([deviation]))
        assert found[0] == pytest.approx(expected, abs=5e-3)


@pytest.mark.parametrize(
    ("bins", "binning"), [(1, "quantile"), (2, "quantile"), (10, "quantile"), (10, "uniform")]
)
def test_the_floor_is_that_of_answers_drawn_one_by_one(bins, binning):
    rng = np.random.default_rng(1)
    confidence = np.concatenate([rng.uniform(0.4, 0.6, 100), rng.uniform(0.95, 1, 300)])
    drawn = [
        expected_error(
            reliability(confidence, (rng.random(400) < confidence).astype(float), bins, binning)
        )
        for _ in range(3000)
    ]
    found = noise_floor(confidence, bins, binning)
    assert found.mean == pytest.approx(np.mean(drawn), rel=0.04)
    # The ECE of one bin is a multiple of 1 / N.
    assert found.high == pytest.approx(np.quantile(drawn, 0.95), rel=0.06, abs=1 / 400)


@pytest.mark.parametrize("binning", ["quantile", "uniform"])
def test_bands_hold_the_accuracies_of_answers_drawn_one_by_one(binning):
    rng = np.random.default_rng(1)
    confidence = np.concatenate([rng.uniform(0.4, 0.6, 200), rng.uniform(0.9, 1, 400), np.ones(9)])
    drawn = [
        reliability(confidence, (rng.random(609) < confidence).astype(float), 6, binning)
        for _ in range(2000)
    ]
    low, high = accuracy_bands(drawn[0])
    accuracy = np.array([table.accuracy for table in drawn])
    # Shares of few answers are coarse: a band holds at least 95 % and not much more.
    inside = np.mean((low <= accuracy) & (accuracy <= high), axis=0)
    assert (inside > 0.94).all()
    assert (inside < 0.99)[high < 1].all()


def test_the_debiased_error_is_that_of_other_code_which_samples():
    from calibration import utils

    confidence, right = answers(500, 0.08)
    table = reliability(confidence, right, 10, "quantile")
    order = np.argsort(confidence)
    bins = [
        list(zip(confidence[part], right[part], strict=True)) for part in np.array_split(order, 10)
    ]
    np.random.seed(0)
    sampled = utils.normal_debiased_ce(bins, power=1, resamples=20_000)
    # Its standard error of a share divides by n, ours by n - 1.
    assert debiased_error(table) == pytest.approx(sampled, abs=2e-3)


def test_a_bin_of_one_example_has_no_debiased_error():
    confidence, right = answers(20)
    assert debiased_error(reliability(confidence, right, 20, "quantile")) is None


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=80),
    st.integers(1, 20),
    st.sampled_from(["quantile", "uniform"]),
)
@settings(max_examples=150, deadline=None)
def test_ends_are_possible_and_hold_the_estimate(pairs, bins, binning):
    confidence = np.array([one for one, _ in pairs])
    right = np.array([float(one) for _, one in pairs])
    table = reliability(confidence, right, bins, binning)
    low, high = true_error_interval(table)
    assert 0 <= low <= expected_error(table) <= high <= 1 + 1e-12
    floor = noise_floor(confidence, bins, binning)
    assert 0 <= floor.mean <= 1
    assert 0 <= floor.high <= 1


@pytest.mark.slow
def test_intervals_cover_and_floors_are_rarely_exceeded_by_chance(monkeypatch):
    """The table of docs/explanation, with fewer sets: 250 of 93 % leave three standard errors."""
    monkeypatch.setattr("benchmarks.coverage.SIZES", SIZES[:2])
    rows = list(calibration_rows(250, with_floor=[0.0]))
    assert len(rows) == len(CONFIDENCES) * 2 * len(TRUE_ERRORS)
    for name, size, error, covered, _, above in rows:
        assert covered >= 0.93 - 3 * np.sqrt(0.07 * 0.93 / 250), (name, size, error)
        if error == 0:
            assert above <= 0.06 + 3 * np.sqrt(0.06 * 0.94 / 250), (name, size)


@pytest.mark.slow
def test_intervals_over_seeds_cover_differences():
    for name, count, covered in seed_rows(2000):
        if name != "skewed, one-sided":
            assert 0.93 <= covered <= 0.985, (name, count)
