"""Augmentations against slow ones and scipy's own rotation, in training and alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from reglab.core.engine import Trainer
from reglab.core.engine.random_streams import stream
from reglab.core.figures import REGISTRY, Style, render
from reglab.core.regularizers import Epoch, active
from reglab.core.regularizers.warping import warp_linear
from reglab.core.spec import AUGMENTATION_NAMES
from tests.harness.training import digits, moons, run, small, sparse_digits, spec, through_storage
from tests.unit.engine import oracle
from tests.unit.engine.test_oracle import ADAM
from tests.unit.methods import slow_augmentations as slow

STRONG = {
    "shift of examples": {"name": "shift", "unit": "example", "pixels": [-3, -1, 1, 2]},
    "shift around edges": {"name": "shift", "fill": "wrap", "pixels": [-3, -1, 1, 2]},
    "rotation": {"degrees": 60.0},
    "scaling": {"factor": 1.7},
    "elastic": {"alpha": 20.0, "sigma": 2.0},
    "gaussian_noise": {"std": 0.3},
    "cutout": {"size": 3},
    "mixup": {"alpha": 0.7},
}
NEW = list(STRONG)


def test_every_augmentation_of_inputs_is_here():
    assert {*NEW, "shift", "masking"} >= set(AUGMENTATION_NAMES)


def wanted(name, **changes):
    augmentation = {"name": name, **STRONG[name]}
    return spec(
        {"dataset": {"name": "digits"}, "regularization.augmentation": augmentation} | changes
    )


def rewritten(name, data, batch=16):
    """The engine's epoch, the slow one, and the examples as they were; seed 3, first epoch."""
    regularized = wanted(name)
    targets = np.eye(10, dtype=np.float32)[data.y_train]
    (method,) = active(regularized)
    epoch = Epoch(data.x_train.copy(), targets.copy(), batch, data.image_shape)
    found = method.inputs(stream(3, "augmentation"), epoch)
    augmentation = regularized.regularization.augmentation
    x = data.x_train.astype(float)
    expected = slow.rewrite(
        augmentation, stream(3, "augmentation"), x, targets.astype(float), batch, data.image_shape
    )
    return found, expected, (x, targets)


@pytest.mark.parametrize("name", NEW)
def test_one_epoch_agrees_with_the_slow_one(name):
    found, (x, targets), (before, labels) = rewritten(name, digits())
    np.testing.assert_allclose(found.inputs, x, atol=2e-6)
    np.testing.assert_allclose(found.targets, targets, atol=1e-6)
    changed = (np.abs(found.inputs - before) > 1e-6).any(axis=1)
    whole = name in ("mixup", "shift around edges")  # Of few batches all may be moved.
    assert 0.2 < changed.mean() < (1.01 if whole else 0.8)
    if name == "mixup":
        np.testing.assert_allclose(found.targets.sum(axis=1), 1, atol=1e-6)
    else:
        np.testing.assert_array_equal(found.targets, labels)


@pytest.mark.parametrize("optimizer", [{}, ADAM])
@pytest.mark.parametrize("make", [digits, sparse_digits])
@pytest.mark.parametrize("name", NEW)
def test_training_agrees_with_the_oracle(name, make, optimizer):
    regularized, data = wanted(name, **optimizer), make()
    trainer = Trainer(regularized, data, seed=3)
    run(trainer)
    expected = oracle.train(regularized, data, 3, 3, slow.rewrite)
    network = trainer.network()
    for weights, bias, (w, b) in zip(network.weights, network.biases, expected, strict=True):
        tolerance = 2e-3 if optimizer else 3e-5
        np.testing.assert_allclose(weights, w, atol=tolerance, rtol=tolerance)
        np.testing.assert_allclose(bias, b, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("name", NEW)
def test_resumes_to_the_same_bits(name):
    regularized, data = wanted(name, **{"training.epochs": 5}), digits()
    saved = []
    first = Trainer(regularized, data, 4)
    first.on_epoch = lambda epoch: saved.append(first.checkpoint())
    evaluations, theta = run(first)
    later, same = run(Trainer(regularized, data, 4, through_storage(saved[1])))
    np.testing.assert_array_equal(theta, same)
    assert later == [each for each in evaluations if each.epoch > 2]


@pytest.mark.parametrize("degrees", [-50.0, 12.0, 90.0])
def test_rotation_is_that_of_scipy(degrees):
    images = digits().x_train[:5].reshape(-1, 8, 8)
    angle = np.deg2rad(degrees)
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    found = warp_linear(images, np.repeat(matrix[None], 5, axis=0))
    expected = [
        ndimage.rotate(image, degrees, reshape=False, order=1, mode="grid-constant")
        for image in images
    ]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_noise_and_mixup_need_no_images():
    data = moons()
    for name in ("gaussian_noise", "mixup"):
        regularized = spec({"regularization.augmentation": name})
        trainer = Trainer(regularized, data, 1)
        run(trainer)
        plain = Trainer(spec(), data, 1)
        run(plain)
        assert not np.array_equal(trainer.network().theta, plain.network().theta)


def test_noise_is_tikhonov_regularization_of_a_linear_model():
    """Squared loss of x + e averages to that of x plus std^2 |W|^2 / 2 (Bishop, 1995)."""
    data, std = moons(400), 0.5
    base = {
        "model": {"hidden": [], "activation": "identity", "loss": "squared"},
        "probes.calibration": None,
        "optimizer.schedule": {"lr": 0.05, "alpha": 0.0},
        "training": {"epochs": 3000, "batch_size": 400, "eval_every": 3000},
    }
    noise = {"name": "gaussian_noise", "std": std, "probability": 1.0}
    trainer = Trainer(spec(base | {"regularization.augmentation": noise}), data, 0)
    run(trainer)
    x = np.column_stack([data.x_train.astype(float), np.ones(400)])
    penalty = np.diag([std**2, std**2, 0.0])
    y = np.eye(2)[data.y_train]
    expected = np.linalg.solve(x.T @ x / 400 + penalty, x.T @ y / 400)
    plain = np.linalg.lstsq(x, y, rcond=None)[0]
    weights = trainer.network().weights[0]
    assert np.abs(weights - expected[:2]).max() < 0.02 < np.abs(plain - expected)[:2].max() / 2


def test_figure_shows_what_was_stored():
    runs = small(
        "augmentations",
        {
            "dataset": {"name": "digits", "train_size": 60, "test_size": 100},
            "model.hidden": [8],
            "training": {"epochs": 3, "batch_size": 20, "eval_every": 1},
            "seeds": [0],
        },
    )
    figure = REGISTRY["augmentations"]
    assert figure.reason(runs) is None
    assert figure.reason(runs[:2]) is not None
    for each in runs[1:]:
        before, after = each.arrays["augmentation.before"], each.arrays["augmentation.after"]
        assert before.shape == after.shape == (8, 64)
        assert not np.array_equal(before, after)
    text = figure.caption(figure.measure(runs))
    assert f"gaussian noise {runs[5].curves['test_accuracy'][-1]:.1%}" in text
    assert render(figure, figure.measure(runs), Style()).startswith(b"\x89PNG")
