"""Centred images are augmented as images: what an augmentation fills in is dark, not the mean."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reglab.core import datasets
from reglab.core.engine import Trainer
from reglab.core.engine.random_streams import stream
from reglab.core.regularizers.shift import shift_images
from tests.harness.fuzz import inputs, tell
from tests.harness.training import spec
from tests.unit.engine import oracle

SEED = 3
IMAGES = {
    "shift": {"name": "shift", "probability": 0.8},
    "rotation": {"name": "rotation", "probability": 1.0},
    "scaling": {"name": "scaling", "probability": 1.0},
    "elastic": {"name": "elastic", "probability": 1.0},
    "cutout": {"name": "cutout", "probability": 1.0, "size": 4},
}


def wanted(augmentation, centred=True, **others):
    data = {"name": "digits", "train_size": 50, "test_size": 40, "centred": centred}
    return spec(
        {
            "dataset": data,
            "regularization": {"augmentation": augmentation, **others},
            "probes": {"boundary": None},
        }
    )


def trainer(run):
    return Trainer(run, datasets.load(run.dataset, stream(SEED, "data")), SEED)


@pytest.mark.parametrize("others", [{}, {"dropout": 0.3}, {"dropout_input": 0.4}])
def test_shifts_of_centred_images_agree_with_the_oracle(others):
    run = wanted(IMAGES["shift"], **others)
    trained = trainer(run)
    list(trained)
    expected = oracle.train(run, trained.data, SEED, run.training.epochs)
    network = trained.network()
    for weights, bias, (w, b) in zip(network.weights, network.biases, expected, strict=True):
        np.testing.assert_allclose(weights, w, atol=5e-5)
        np.testing.assert_allclose(bias, b, atol=5e-5)


@pytest.mark.parametrize("name", IMAGES)
def test_dropped_inputs_are_zero_whatever_varies_the_images(name):
    run = wanted(IMAGES[name], dropout_input=0.75)
    inputs = trainer(run).examples.of_next_epoch()[0].inputs.dense
    assert np.mean(inputs == 0) == pytest.approx(0.75, abs=0.05)


@pytest.mark.parametrize("name", [name for name in IMAGES if name != "shift"])
def test_rewritten_images_are_those_of_the_plain_set_less_the_mean(name):
    centred, plain = (trainer(wanted(IMAGES[name], centred)) for centred in (True, False))
    mean = plain.data.x_train.mean(axis=0)
    found, expected = (one.examples.of_next_epoch()[0].inputs.dense for one in (centred, plain))
    np.testing.assert_allclose(found, expected - mean, atol=2e-6)


def test_noise_and_mixtures_need_no_images_and_stay_as_they_were():
    assert trainer(wanted("mixup")).examples.offset is None
    assert trainer(wanted(None)).examples.offset is None


@given(
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    moves=st.lists(st.tuples(st.integers(-12, 12), st.integers(-12, 12)), min_size=1, max_size=6),
    wraps=st.booleans(),
)
@inputs(100)
def test_shifts_move_every_pixel_of_an_image(shape, moves, wraps):
    images = np.arange(1, 1 + len(moves) * shape[0] * shape[1], dtype=np.float32)
    images = images.reshape(-1, *shape)
    moved = images.copy()
    shift_images(moved, np.array(moves), wraps)
    for image, found, (dx, dy) in zip(images, moved, moves, strict=True):
        rolled = np.roll(image, (dy, dx), axis=(0, 1))
        expected = rolled if wraps else oracle.shift_image(image, dx, dy)
        np.testing.assert_array_equal(found, expected)
    tell("shifts", len(moves))


@given(least=st.sampled_from([0.0, 0.001, 0.01, 0.1]), patience=st.integers(1, 20))
@inputs(30)
def test_what_is_restored_is_the_last_improvement_by_more_than_min_delta(least, patience):
    run = spec(
        {
            "regularization.early_stopping": {
                "min_delta": least, "patience": patience, "validation_size": 0.3
            },
            "dataset": {"name": "two_moons", "train_size": 60, "test_size": 20, "noise": 0.3},
            "training.epochs": 40,
        }
    )  # fmt: skip
    trained = trainer(run)
    evaluations = list(trained)
    best = evaluations[0]
    for evaluation in evaluations[1:]:
        if evaluation.validation_loss < best.validation_loss - least:
            best = evaluation
    assert trained.final() == best
    lowest = min(evaluation.validation_loss for evaluation in evaluations)
    assert lowest <= best.validation_loss <= lowest + least
    tell("last improvements", "lowest" if best.validation_loss == lowest else "within min_delta")
