"""Calibration numbers against slow definitions, scikit-learn and cases done by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score, log_loss

from reglab.core.metrics import calibration, reliability
from reglab.core.metrics.predictions import top_label


def sample(size=500, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    logits = (3 * rng.normal(size=(size, classes))).astype(np.float32)
    labels = np.array([rng.choice(classes, p=softmax(row / 1.5)) for row in logits.astype(float)])
    return logits, labels


def slow_quantile_rows(confidence, right, bins):
    order = sorted(range(len(confidence)), key=lambda i: confidence[i])
    rows = []
    for part in np.array_split(np.array(order), bins):
        if len(part):
            conf = sum(confidence[i] for i in part) / len(part)
            acc = sum(right[i] for i in part) / len(part)
            rows.append((len(part), conf, acc))
    return rows


@given(st.integers(1, 200), st.integers(1, 30), st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_quantile_table_is_the_slow_one(size, bins, seed):
    logits, labels = sample(size, seed=seed)
    confidence, right = top_label(logits, labels)
    table = reliability.reliability(confidence, right, bins, "quantile")
    rows = slow_quantile_rows(confidence, right, bins)
    np.testing.assert_array_equal(table.count, [row[0] for row in rows])
    np.testing.assert_allclose(table.confidence, [row[1] for row in rows])
    np.testing.assert_allclose(table.accuracy, [row[2] for row in rows], atol=1e-12)
    ece = sum(n * abs(c - a) for n, c, a in rows) / size
    assert reliability.expected_error(table) == pytest.approx(ece)
    assert reliability.maximum_error(table) == pytest.approx(max(abs(c - a) for _, c, a in rows))


def test_uniform_table_agrees_with_scikit_learn():
    logits, labels = sample()
    confidence, right = top_label(logits, labels)
    table = reliability.reliability(confidence, right, 10, "uniform")
    accuracy, mean = calibration_curve(right, confidence, n_bins=10, strategy="uniform")
    np.testing.assert_allclose(table.accuracy, accuracy)
    np.testing.assert_allclose(table.confidence, mean)


def test_scores_agree_with_scikit_learn():
    logits, labels = sample()
    p = softmax(logits.astype(float), axis=1)
    found = calibration.errors(logits, labels)
    assert found.nll == pytest.approx(log_loss(labels, p))
    assert found.accuracy == accuracy_score(labels, p.argmax(axis=1))
    brier = np.mean([np.sum((row - np.eye(4)[y]) ** 2) for row, y in zip(p, labels, strict=True)])
    assert found.brier == pytest.approx(brier)
    classwise = np.mean(
        [
            sum(n * abs(c - a) for n, c, a in slow_quantile_rows(p[:, k], labels == k, 15)) / len(p)
            for k in range(4)
        ]
    )
    assert found.ece_classwise == pytest.approx(classwise)


def test_a_case_by_hand():
    confidence = np.array([0.6, 0.7, 0.8, 0.9])
    right = np.array([0.0, 1.0, 1.0, 1.0])
    table = reliability.reliability(confidence, right, 2, "quantile")
    np.testing.assert_allclose(table.gap, [0.15, -0.15])
    assert reliability.expected_error(table) == pytest.approx(0.15)


def test_debiasing_removes_what_sampling_noise_adds():
    """Perfectly calibrated answers: the plug-in error is positive, the debiased one far smaller."""
    rng = np.random.default_rng(0)
    plug_in, debiased = [], []
    for _ in range(200):
        confidence = rng.uniform(0.5, 1, 300)
        right = (rng.random(300) < confidence).astype(float)
        table = reliability.reliability(confidence, right, 15, "quantile")
        noise = np.sum(table.count * table.gap**2) / 300
        plug_in.append(noise)
        debiased.append(
            np.sum(
                table.count
                * (table.gap**2 - table.accuracy * (1 - table.accuracy) / (table.count - 1))
            )
            / 300
        )
        assert reliability.debiased_root_mean_square(table) == pytest.approx(
            np.sqrt(max(debiased[-1], 0))
        )
    assert abs(np.mean(debiased)) < 0.1 * np.mean(plug_in)


def test_cdf_of_confidence_on_errors():
    wrong, share = reliability.confidence_on_errors(
        np.array([0.9, 0.5, 0.7, 0.8]), np.array([0.0, 1.0, 0.0, 0.0])
    )
    np.testing.assert_allclose(wrong, [0.7, 0.8, 0.9])
    np.testing.assert_allclose(share, [1 / 3, 2 / 3, 1])
