"""SmoothECE, CORP and selective prediction against other code, closed forms and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from reglab.core.metrics.confidences import Answers
from reglab.core.metrics.corp import consistency_band, corp
from reglab.core.metrics.selective import selective
from reglab.core.metrics.smooth import smooth_error


def sets():
    rng = np.random.default_rng(5)
    even = rng.uniform(0.5, 1, 400)
    saturated = np.where(rng.random(400) < 0.8, 1.0, even)
    tied = np.round(even, 1)
    for name, confidence, chance in [
        ("calibrated", even, even),
        ("over-confident", even, even - 0.1),
        ("both ways", even, np.where(even < 0.75, even + 0.1, even - 0.1)),
        ("saturated", saturated, np.full(400, 0.9)),
        ("tied", tied, tied**2),
        ("constant", np.full(400, 0.5), np.full(400, 0.5)),
    ]:
        yield pytest.param(confidence, (rng.random(400) < chance).astype(float), id=name)


def error_of_width(confidence, right, width):
    """smECE_s by the sum over mirror images of the kernel and the trapezoid rule."""
    t = np.linspace(0, 1, 1001)
    smoothed = np.zeros_like(t)
    for image in range(-4, 5):
        for mirrored in (confidence, -confidence):
            z = (t[:, None] - mirrored - 2 * image) / width
            smoothed += np.exp(-(z**2) / 2) @ (right - confidence)
    return np.trapezoid(np.abs(smoothed) / (width * np.sqrt(2 * np.pi) * len(right)), t)


@pytest.mark.parametrize(("confidence", "right"), list(sets()))
def test_smooth_error_is_the_width_that_equals_its_error(confidence, right):
    found = smooth_error(Answers.of(confidence, right))
    if found < 5e-3:
        assert right.mean() == pytest.approx(confidence[0], abs=0.05)
    else:
        assert error_of_width(confidence, right, found) == pytest.approx(found, abs=1e-4)


def test_smooth_error_is_that_of_its_authors_code():
    """relplot 1.0.3 finds these to 1 / 1024, on 200 points."""
    confidence = np.linspace(0.2, 0.8, 1000)
    low = (np.arange(1000) % 20 < 7).astype(float)
    fitting = (np.arange(1000) * 0.6180339887498949 % 1 < confidence).astype(float)
    assert smooth_error(Answers.of(confidence, low)) == pytest.approx(0.16446, abs=1e-3)
    assert smooth_error(Answers.of(confidence, fitting)) == pytest.approx(0.00757, abs=1e-3)


def test_answers_that_are_always_wrong_and_sure_have_the_largest_error():
    assert smooth_error(Answers.of(np.ones(5), np.zeros(5))) == pytest.approx(1)
    assert smooth_error(Answers.of(np.ones(5), np.ones(5))) == 0


@pytest.mark.parametrize(("confidence", "right"), list(sets()))
def test_steps_and_parts_are_those_of_scikit_learn(confidence, right):
    fitted = IsotonicRegression().fit(confidence, right).predict(confidence)
    found = corp(Answers.of(confidence, right))
    step = np.searchsorted(found.upper, confidence)
    np.testing.assert_allclose(found.accuracy[step], fitted, atol=1e-12)
    score, fit, constant = (
        np.mean((forecast - right) ** 2) for forecast in (confidence, fitted, right.mean())
    )
    parts = [found.score, found.miscalibration, found.discrimination, found.uncertainty]
    np.testing.assert_allclose(parts, [score, score - fit, constant - fit, constant], atol=1e-12)
    assert found.count.sum() == len(right)


def test_parts_are_those_of_other_code():
    """As ``decompose`` of model-diagnostics 1.5 has them for the squared error."""
    confidence = np.array([0.6, 0.6, 0.7, 0.7, 0.8, 0.8, 0.9, 0.9])
    right = np.array([1.0, 0, 0, 1, 1, 0, 1, 1])
    found = corp(Answers.of(confidence, right))
    parts = [found.miscalibration, found.discrimination, found.uncertainty, found.score]
    np.testing.assert_allclose(parts, [0.0375, 0.046875, 0.234375, 0.225], atol=1e-12)


def test_the_band_is_that_of_sets_drawn_one_by_one():
    rng = np.random.default_rng(2)
    confidence = np.round(rng.uniform(0.5, 1, 300), 2)
    values = np.unique(confidence)
    fits = [
        IsotonicRegression()
        .fit(confidence, (rng.random(300) < confidence).astype(float))
        .predict(values)
        for _ in range(1000)
    ]
    band = consistency_band(Answers.of(confidence, np.zeros(300)))
    assert band.confidence.tolist() == values.tolist()
    low, high = np.quantile(fits, [0.025, 0.975], axis=0)
    np.testing.assert_allclose(band.low, low, atol=0.06)
    np.testing.assert_allclose(band.high, high, atol=0.06)


def test_steps_of_calibrated_answers_are_within_the_band():
    rng = np.random.default_rng(3)
    inside = []
    for _ in range(40):
        confidence = rng.uniform(0.5, 1, 300)
        answers = Answers.of(confidence, (rng.random(300) < confidence).astype(float))
        band, steps = consistency_band(answers), corp(answers)
        at = steps.accuracy[np.searchsorted(steps.upper, band.confidence)]
        inside.append(np.mean((band.low <= at) & (at <= band.high)))
    assert 0.9 < np.mean(inside) < 0.99


def risks(confidence, right, rng):
    """Risk at every coverage with ties in one random order."""
    order = np.lexsort((rng.random(len(right)), -confidence))
    return np.cumsum(1 - right[order]) / np.arange(1, len(right) + 1)


@pytest.mark.parametrize(("confidence", "right"), list(sets()))
def test_risk_is_the_mean_over_random_orders_of_ties(confidence, right):
    rng = np.random.default_rng(0)
    found = selective(Answers.of(confidence, right))
    drawn = [risks(confidence, right, rng) for _ in range(400)]
    assert found.aurc == pytest.approx(np.mean(drawn), abs=0.01)
    at = np.rint(found.coverage * len(right)).astype(int) - 1
    half = found.coverage > 0.2
    np.testing.assert_allclose(found.risk[half], np.mean(drawn, axis=0)[at][half], atol=0.02)
    best = risks(right, right, rng)
    assert found.least_aurc == pytest.approx(best.mean(), abs=1e-12)
    assert found.excess_aurc == pytest.approx(found.aurc - best.mean(), abs=1e-12)


def test_a_constant_predictor_has_its_error_rate_at_every_coverage():
    found = selective(Answers.of(np.full(50, 0.5), np.arange(50) % 5 > 0))
    np.testing.assert_allclose(found.risk, 0.2, atol=1e-12)
    assert found.aurc == pytest.approx(0.2)
    assert found.risk[-1] == pytest.approx(0.2)


def test_a_small_curve_is_that_by_hand():
    found = selective(Answers.of(np.array([0.9, 0.8, 0.7, 0.6]), np.array([1.0, 0, 1, 0])))
    np.testing.assert_allclose(found.risk, [0, 1 / 2, 1 / 3, 1 / 2])
    assert found.coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert found.threshold.tolist() == [0.9, 0.8, 0.7, 0.6]
