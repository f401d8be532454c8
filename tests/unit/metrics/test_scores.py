"""Calibration errors and the Brier score's parts against other libraries and slow definitions."""

from __future__ import annotations

import itertools

import calibration as kumar
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import softmax

from reglab.core.metrics import calibration, reliability
from reglab.core.metrics.brier import decompose
from reglab.core.metrics.predictions import top_label


def sample(size=600, classes=4, seed=0, heat=1.5):
    rng = np.random.default_rng(seed)
    logits = (3 * rng.normal(size=(size, classes))).astype(np.float32)
    labels = np.array([rng.choice(classes, p=softmax(row / heat)) for row in logits.astype(float)])
    return logits, labels, softmax(logits.astype(float), axis=1)


@pytest.mark.parametrize("seed", range(3))
def test_debiased_and_quantile_errors_are_those_of_kumar_s_library(seed):
    logits, labels, p = sample(seed=seed)
    table = reliability.reliability(*top_label(logits, labels), 15, "quantile")
    debiased = kumar.lower_bound_scaling_ce(p, labels, p=2, debias=True, mode="top-label")
    assert reliability.debiased_root_mean_square(table) == pytest.approx(debiased)
    plain = kumar.lower_bound_scaling_ce(p, labels, p=1, debias=False, mode="top-label")
    assert reliability.expected_error(table) == pytest.approx(plain)


def test_uniform_errors_are_those_of_torchmetrics():
    torch = pytest.importorskip("torch")
    metrics = pytest.importorskip("torchmetrics.classification")
    logits, labels, p = sample()
    table = reliability.reliability(*top_label(logits, labels), 15, "uniform")
    for norm, found in (
        ("l1", reliability.expected_error(table)),
        ("max", reliability.maximum_error(table)),
    ):
        metric = metrics.MulticlassCalibrationError(num_classes=4, n_bins=15, norm=norm)
        expected = float(metric(torch.tensor(p), torch.tensor(labels)))
        assert found == pytest.approx(expected, abs=1e-6)


def slow_ace(p, labels, ranges):
    """Nixon et al. (2019), section 3.3, loop by loop."""
    total = 0.0
    for k in range(p.shape[1]):
        order = np.argsort(p[:, k], kind="stable")
        for part in np.array_split(order, ranges):
            confidence = sum(p[i, k] for i in part) / len(part)
            accuracy = sum(labels[i] == k for i in part) / len(part)
            total += abs(accuracy - confidence)
    return total / (p.shape[1] * ranges)


def test_the_adaptive_error_is_the_slow_one():
    logits, labels, p = sample(size=307)
    assert calibration.adaptive_error(
        calibration.class_tables(p, labels, 15, "quantile")
    ) == pytest.approx(slow_ace(p, labels, 15))
    assert calibration.errors(logits, labels).ece_adaptive == pytest.approx(slow_ace(p, labels, 15))


def parts_of(p, labels, bins, binning):
    tables = calibration.class_tables(p, labels, bins, binning)
    return decompose(tables, np.mean(np.sum((p - np.eye(p.shape[1])[labels]) ** 2, axis=1)))


def slow_parts(p, hit, edges):
    """Murphy (1973), equation 8, bin by bin, of one class."""
    rate, size = np.mean(hit), len(p)
    reliability = resolution = 0.0
    for low, high in itertools.pairwise(edges):
        inside = (p > low) & (p <= high)
        if inside.any():
            frequency = np.mean(hit[inside])
            reliability += inside.sum() / size * (np.mean(p[inside]) - frequency) ** 2
            resolution += inside.sum() / size * (frequency - rate) ** 2
    return reliability, resolution, rate * (1 - rate)


def test_the_parts_of_the_brier_score_are_murphy_s():
    _, labels, p = sample()
    edges = np.linspace(0, 1, 11)
    expected = np.sum([slow_parts(p[:, k], labels == k, edges) for k in range(4)], axis=0)
    found = parts_of(p, labels, 10, "uniform")
    assert (found.reliability, found.resolution, found.uncertainty) == pytest.approx(
        tuple(expected)
    )


def slow_within(p, hit, bins):
    """Stephenson et al. (2008): variance of p within bins minus twice its covariance with y."""
    order = np.argsort(p)
    total = 0.0
    for part in np.array_split(order, bins):
        if len(part):
            from_mean, from_rate = p[part] - p[part].mean(), hit[part] - hit[part].mean()
            total += np.sum(from_mean**2 - 2 * from_mean * from_rate)
    return total / len(p)


@given(st.integers(2, 120), st.integers(1, 20), st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_the_parts_make_up_the_score_and_within_is_what_binning_hides(size, bins, seed):
    _, labels, p = sample(size, 3, seed)
    score = np.mean(np.sum((p - np.eye(3)[labels]) ** 2, axis=1))
    for binning in ("quantile", "uniform"):
        found = parts_of(p, labels, bins, binning)
        assert found.score == pytest.approx(score)
        assert min(found.reliability, found.resolution, found.uncertainty) >= 0
    within = sum(slow_within(p[:, k], labels == k, bins) for k in range(3))
    assert parts_of(p, labels, bins, "quantile").within == pytest.approx(within, abs=1e-12)


def test_with_equal_probabilities_in_a_bin_nothing_is_left_within():
    rng = np.random.default_rng(0)
    p = rng.choice([0.1, 0.4, 0.8], 300)
    labels = (rng.random(300) < p).astype(int)
    found = parts_of(np.stack([1 - p, p], axis=1), labels, 10, "uniform")
    assert found.within == pytest.approx(0, abs=1e-12)


def test_intervals_of_the_scores_are_those_of_resampling():
    logits, labels, p = sample()
    found = calibration.errors(logits, labels)
    scores = {
        "accuracy": p.argmax(axis=1) == labels,
        "nll": -np.log(p[np.arange(len(labels)), labels]),
        "brier": np.sum((p - np.eye(4)[labels]) ** 2, axis=1),
    }
    for name, values in scores.items():
        expected = stats.bootstrap(
            (values.astype(float),), np.mean, n_resamples=4000, method="percentile", rng=1
        ).confidence_interval
        ends = (getattr(found, f"{name}_low"), getattr(found, f"{name}_high"))
        tolerance = 0.08 * (expected.high - expected.low)
        assert ends == pytest.approx((expected.low, expected.high), abs=tolerance)
        assert ends[0] < getattr(found, name) < ends[1]
