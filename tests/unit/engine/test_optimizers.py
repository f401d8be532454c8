"""Optimizers against torch and against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from reglab.core.engine import Trainer
from reglab.core.engine.optimizers.adam import Adam, AdamState
from reglab.core.engine.optimizers.base import Step
from reglab.core.engine.optimizers.sgd import Sgd, SgdState
from reglab.core.engine.proximal import SoftThreshold
from tests.harness.training import moons, spec


def sgd_step(theta, l2, l1):
    step = Step(1, 0.1, l2, l1)
    Sgd.update(Sgd(), theta, np.zeros_like(theta), SgdState(), 0, len(theta), step)


def test_sgd_with_l2_shrinks_geometrically_without_gradient():
    theta = np.array([1.0, -2.0, 0.0], np.float32)
    for _ in range(10):
        sgd_step(theta, l2=0.5, l1=0.0)
    np.testing.assert_allclose(theta, np.array([1, -2, 0]) * 0.95**10, rtol=1e-6)


def test_sgd_with_l1_moves_at_constant_speed_and_keeps_exact_zero():
    theta = np.array([1.0, -1.0, 0.0], np.float32)
    for _ in range(5):
        sgd_step(theta, l2=0.0, l1=0.2)
    np.testing.assert_allclose(theta, [0.9, -0.9, 0.0], atol=1e-6)


def test_first_adam_step_has_the_size_of_the_rate():
    grad = np.array([3.0, -1e-3, 0.0], np.float32)
    theta, m, v = (np.zeros(3, np.float32) for _ in range(3))
    adam, step = Adam(0.9, 0.999, 1e-8, True), Step(1, 0.01, 0.0, 0.0)
    Adam.update(adam, theta, grad, AdamState(m, v), 0, 3, step)
    np.testing.assert_allclose(theta, [-0.01, 0.01, 0.0], rtol=1e-4)
    np.testing.assert_array_equal(grad, np.array([3.0, -1e-3, 0.0], np.float32))


def test_soft_threshold_minimizes_its_objective():
    """prox(x) = argmin_u (u - x)^2 / 2 + a |u|, found on a fine grid."""
    x = np.linspace(-2, 2, 41).astype(np.float32)
    found = x.copy()
    SoftThreshold.after_update(SoftThreshold(5.0), found, np.array([41, 1]), 0.1)
    grid = np.linspace(-3, 3, 60_001)
    best = [grid[np.argmin((grid - value) ** 2 / 2 + 0.5 * np.abs(grid))] for value in x]
    np.testing.assert_allclose(found, best, atol=2e-4)
    assert np.all(found[np.abs(x) <= 0.5] == 0)


@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw"])
def test_training_agrees_with_torch(kind):
    torch = pytest.importorskip("torch")
    wanted = spec(
        {
            "optimizer": {
                "name": "sgd" if kind == "sgd" else "adam",
                "schedule": {"lr": 0.02, "alpha": 0.0},
                "decoupled": kind != "adam",
            },
            "regularization.l2": 0.03,
            "training": {"epochs": 5, "batch_size": 50},
        }
    )
    data = moons()
    trainer = Trainer(wanted, data, seed=1)
    start = trainer.network()
    for _ in trainer:
        pass
    layers = []
    for weights, bias in zip(start.weights, start.biases, strict=True):
        layer = torch.nn.Linear(*weights.shape, dtype=torch.float64)
        layer.weight.data = torch.from_numpy(weights.T.astype(float).copy())
        layer.bias.data = torch.from_numpy(bias.astype(float).copy())
        layers += [layer, torch.nn.Tanh()]
    model = torch.nn.Sequential(*layers[:-1])
    make = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[kind]
    optimizer = make(model.parameters(), lr=0.02, weight_decay=0.03)
    x, y = torch.from_numpy(data.x_train.astype(float)), torch.from_numpy(data.y_train)
    for _ in range(5):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    trained = trainer.network()
    for at, weights in enumerate(trained.weights):
        expected = layers[2 * at].weight.detach().numpy().T
        np.testing.assert_allclose(weights, expected, atol=2e-5)
