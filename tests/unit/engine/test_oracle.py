"""Compiled epochs against the slow float64 oracle, for every method and shape."""

from __future__ import annotations

import numpy as np
import pytest

from reglab.core.engine import Inputs, Trainer
from tests.harness.training import digits, moons, sparse_digits, spec
from tests.unit.engine import oracle

ADAM = {"optimizer": {"name": "adam", "schedule": {"lr": 0.01, "alpha": 0.5, "tau": 40.0}}}
SHIFT = {"regularization.augmentation": {"name": "shift", "probability": 0.7}}
CASES = {
    "sgd": {},
    "relu": {"model.activation": "relu"},
    "identity": {"model.activation": "identity"},
    "no hidden layer": {"model.hidden": []},
    "one hidden layer": {"model.hidden": [9]},
    "three hidden layers": {"model.hidden": [6, 5, 4]},
    "batch of one": {"training.batch_size": 1},
    "batch beyond the set": {"training.batch_size": 1000},
    "l2": {"regularization.l2": 0.05},
    "l1": {"regularization.l1": 0.02},
    "l1 and l2": {"regularization.l1": 0.02, "regularization.l2": 0.03},
    "proximal": {"regularization.l1": 0.03, "regularization.l1_method": "proximal"},
    "dropout": {"regularization.dropout": 0.4},
    "dropout, relu": {"regularization.dropout": 0.4, "model.activation": "relu"},
    "dropout by example": {"regularization": {"dropout": 0.3, "dropout_mask": "example"}},
    "smoothing": {"regularization.label_smoothing": 0.2},
    "smoothing, uniform": {
        "regularization": {"label_smoothing": 0.2, "label_smoothing_mode": "uniform"}
    },
    "squared loss": {"model.loss": "squared", "probes.calibration": None},
    "squared loss, dropout": {
        "model.loss": "squared",
        "probes.calibration": None,
        "regularization.dropout": 0.4,
    },
    "adam": ADAM,
    "adam, decoupled decay": ADAM | {"regularization": {"l2": 0.05, "l1": 0.01}},
    "adam, coupled decay": ADAM
    | {
        "optimizer": {**ADAM["optimizer"], "decoupled": False},
        "regularization": {"l2": 0.05, "l1": 0.01},
    },
    "adam, proximal": ADAM | {"regularization": {"l1": 0.3, "l1_method": "proximal"}},
    "adam, dropout": ADAM | {"regularization.dropout": 0.4},
}


def assert_agree(wanted, data, tolerance=2e-5):
    trainer = Trainer(wanted, data, seed=3)
    for _ in trainer:
        pass
    expected = oracle.train(wanted, data, 3, wanted.training.epochs)
    network = trainer.network()
    for weights, bias, (w, b) in zip(network.weights, network.biases, expected, strict=True):
        np.testing.assert_allclose(weights, w, atol=tolerance, rtol=tolerance)
        np.testing.assert_allclose(bias, b, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_epochs_agree_with_the_oracle(case, kind):
    changes = dict(CASES[case])
    if kind == "sparse":
        changes["dataset"] = {"name": "digits"}
    data = moons() if kind == "dense" else sparse_digits()
    assert Inputs.of(data.x_train).is_sparse == (kind == "sparse")
    # Adam divides by root v: a gradient near zero magnifies float32 rounding.
    assert_agree(spec(changes), data, 2e-3 if "adam" in case else 2e-5)


@pytest.mark.parametrize("optimizer", [{}, ADAM])
@pytest.mark.parametrize("make", [digits, sparse_digits])
def test_shift_augmentation_agrees_with_the_oracle(make, optimizer):
    wanted = spec({"dataset": {"name": "digits"}} | SHIFT | optimizer)
    assert_agree(wanted, make(), 2e-3 if optimizer else 2e-5)


@pytest.mark.parametrize("activation", ["tanh", "relu", "identity"])
@pytest.mark.parametrize("p", [0.0, 0.4])
def test_gradients_agree_with_finite_differences(activation, p):
    """One full-batch step of SGD is -lr times the gradient of the loss."""
    lr = 1e-2
    wanted = spec(
        {
            "model": {"hidden": [4, 3], "activation": activation},
            "optimizer": {"name": "sgd", "schedule": {"lr": lr, "alpha": 0.0}},
            "training": {"epochs": 1, "batch_size": 50},
            "regularization.dropout": p,
        }
    )
    data = moons()
    trainer = Trainer(wanted, data, seed=2)
    before = trainer.network()
    for _ in trainer:
        pass
    after = trainer.network()
    step = [(a - b) / -lr for a, b in zip(after.weights, before.weights, strict=True)]
    masks = None
    if p:
        keep = oracle.stream(2, "dropout").random((1, 7), dtype=np.float32) >= np.float32(p)
        masks = np.split(keep[0] / (1 - p), [4])
    layers = [
        [w.astype(float), b.astype(float)]
        for w, b in zip(before.weights, before.biases, strict=True)
    ]
    targets, x = np.eye(2)[data.y_train], data.x_train.astype(float)
    for at, found in enumerate(step):
        for where in np.ndindex(found.shape):
            h = 1e-6
            losses = []
            for sign in (1, -1):
                layers[at][0][where] += sign * h
                losses.append(oracle.cross_entropy(layers, x, targets, activation, masks))
                layers[at][0][where] -= sign * h
            assert found[where] == pytest.approx((losses[0] - losses[1]) / (2 * h), abs=3e-4)
