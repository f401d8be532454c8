"""Kinds of label noise: how many labels change, and to what."""

from __future__ import annotations

import numpy as np
import pytest

from reglab.core import datasets
from reglab.core.datasets.label_noise import replaced
from reglab.core.spec import Digits

CLASSES, SIZE, SHARE = 5, 20_000, 0.4


@pytest.fixture
def labels():
    return np.random.default_rng(1).integers(0, CLASSES, SIZE)


def transitions(labels, kind):
    """Share of each class's labels that end as each class, (K, K)."""
    found = replaced(labels, SHARE, kind, CLASSES, np.random.default_rng(2))
    counts = np.zeros((CLASSES, CLASSES))
    np.add.at(counts, (labels, found), 1)
    return counts / counts.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("kind", ["random", "symmetric", "pairwise"])
def test_labels_become_others_as_the_kind_says(labels, kind):
    expected = (1 - SHARE) * np.eye(CLASSES)
    if kind == "random":
        expected += SHARE / CLASSES
    elif kind == "symmetric":
        expected += SHARE / (CLASSES - 1) * (1 - np.eye(CLASSES))
    else:
        expected += SHARE * np.roll(np.eye(CLASSES), 1, axis=1)
    np.testing.assert_allclose(transitions(labels, kind), expected, atol=0.02)


def test_exactly_the_share_is_replaced(labels):
    found = replaced(labels, SHARE, "symmetric", CLASSES, np.random.default_rng(2))
    assert np.sum(found != labels) == round(SHARE * SIZE)


def test_a_dataset_tells_how_many_labels_are_wrong():
    document = {"name": "digits", "train_size": 100, "label_noise": 0.3}
    plain = datasets.load(Digits.model_validate(document), np.random.default_rng(0))
    wanted = Digits.model_validate(document | {"label_noise_kind": "pairwise"})
    noisy = datasets.load(wanted, np.random.default_rng(0))
    clean = datasets.load(Digits(name="digits", train_size=100), np.random.default_rng(0))
    assert noisy.provenance["wrong_labels"] == 30
    changed = noisy.y_train != clean.y_train
    np.testing.assert_array_equal(noisy.y_train[changed], (clean.y_train[changed] + 1) % 10)
    assert plain.provenance["wrong_labels"] < 30
