"""Calibration depends on the set of examples alone: equal confidences share a bin."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reglab.core.metrics import calibration, predictions
from reglab.core.metrics.binning import bin_edges
from reglab.core.metrics.confidences import Answers
from reglab.core.metrics.confusion import class_scores, confusion_matrix
from reglab.core.metrics.corp import consistency_band, corp
from reglab.core.metrics.selective import selective
from reglab.core.metrics.smooth import smooth_error
from tests.harness.fuzz import inputs

# Few values, so that most confidences are tied; saturated ones among them.
LOGITS = st.lists(st.sampled_from([0.0, 0.5, 1.0, 50.0, -50.0]), min_size=3, max_size=3)
EXAMPLES = st.lists(st.tuples(LOGITS, st.integers(0, 2)), min_size=1, max_size=60)
BINNING = st.sampled_from(["quantile", "uniform"])


def arrays(examples):
    logits = np.array([row for row, _ in examples], np.float32)
    return logits, np.array([label for _, label in examples], np.int64)


@inputs(100)
@given(EXAMPLES, st.integers(1, 30), BINNING, st.randoms())
def test_no_error_depends_on_the_order_of_examples(examples, bins, binning, random):
    found = []
    for _ in range(3):
        logits, labels = arrays(examples)
        # What cannot be measured is None.
        found.append(np.array(astuple(calibration.errors(logits, labels, bins, binning)), float))
        random.shuffle(examples)
    np.testing.assert_allclose(found[1], found[0], atol=1e-12)
    np.testing.assert_allclose(found[2], found[0], atol=1e-12)


@inputs(50)
@given(EXAMPLES, st.randoms())
def test_nothing_without_bins_depends_on_the_order_of_examples(examples, random):
    found = []
    for _ in range(2):
        logits, labels = arrays(examples)
        confidence, right = predictions.top_label(logits, labels)
        answers = Answers.of(confidence, right)
        steps, risks, band = corp(answers), selective(answers), consistency_band(answers)
        predicted = logits.argmax(axis=1)
        classes = [*astuple(class_scores(predicted, labels, 3))]
        classes.append(confusion_matrix(predicted, labels, 3))
        parts = [*astuple(steps), *astuple(risks), *astuple(band), *classes]
        found.append(np.concatenate([np.ravel(part) for part in [*parts, smooth_error(answers)]]))
        random.shuffle(examples)
    np.testing.assert_allclose(found[1], found[0], rtol=0, atol=1e-12)
    brier = np.mean((confidence - right) ** 2)
    assert steps.score == pytest.approx(brier, abs=1e-12)
    parts = steps.miscalibration - steps.discrimination + steps.uncertainty
    assert parts == pytest.approx(brier, abs=1e-12)
    assert min(steps.miscalibration, steps.discrimination, steps.uncertainty) >= 0
    assert (np.diff(steps.accuracy) > 0).all()
    assert (band.low <= band.high).all()
    # The mean gap is a lower bound of every calibration error.
    assert smooth_error(answers) >= abs(confidence.mean() - right.mean()) - 1e-6
    assert 0 <= risks.least_aurc <= risks.aurc + 1e-12
    assert risks.risk[-1] == pytest.approx(1 - right.mean())


@inputs(100)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=80), st.integers(1, 40))
def test_equal_values_are_never_split_and_counts_stay_near_equal(values, bins):
    ordered = np.sort(np.array(values, float))
    edges = bin_edges(ordered, bins, "quantile")
    assert len(edges) == bins + 1
    assert (edges[0], edges[-1]) == (0, len(values))
    assert (np.diff(edges) >= 0).all()
    longest = max(values.count(value) for value in values)
    wanted = np.linspace(0, len(values), bins + 1)
    for edge, place in zip(edges[1:-1], wanted[1:-1], strict=True):
        assert edge in (0, len(values)) or ordered[edge - 1] < ordered[edge]
        # A cut moves by half a tie at most; the sizes of array_split differ by one bin's rest.
        assert abs(edge - place) <= longest / 2 + bins


def test_a_constant_predictor_of_balanced_classes_is_calibrated():
    labels = np.repeat([0, 1], 500)
    found = calibration.errors(np.zeros((1000, 2), np.float32), labels)
    assert found.ece == found.mce == pytest.approx(0)
    assert found.ece_debiased == 0


def test_values_without_ties_are_split_as_numpy_splits_them():
    values = np.arange(103.0)
    for bins in (1, 7, 15, 103, 200):
        sizes = [len(part) for part in np.array_split(values, bins)]
        assert np.diff(bin_edges(values, bins, "quantile")).tolist() == sizes
