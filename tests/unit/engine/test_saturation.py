"""Long after every example is right the gradient is tiny, and must still point the right way."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from reglab.core.engine import Trainer
from reglab.core.engine.losses import softmax_delta
from tests.harness.training import digits, spec


def delta_of(logits, targets):
    rows = np.arange(len(logits))
    out = np.empty_like(logits)
    softmax_delta(logits, np.zeros(logits.shape[1], np.float32), targets, rows, out)
    return out


@pytest.mark.parametrize("margin", [0, 5, 18, 40, 80])
@pytest.mark.parametrize("eps", [0.0, 0.1])
def test_the_gradient_keeps_its_digits_at_any_margin(margin, eps):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(40, 6)).astype(np.float32)
    logits[np.arange(40), np.arange(40) % 6] += margin
    # Most are right; of some the label is another class than the favoured one.
    labels = (np.arange(40) + (np.arange(40) % 5 == 0)) % 6
    targets = np.full((40, 6), eps / 5)
    targets[np.arange(40), labels] = 1 - eps
    found = delta_of(logits, targets.astype(np.float32))
    exact = logits.astype(np.float64)
    others = exact - exact.max(axis=1, keepdims=True)
    p = softmax(others, axis=1)
    expected = (p - targets) / 40
    best = others.argmax(axis=1)
    rows = np.arange(40)
    # p - 1 loses its digits in float64 too, beyond a margin of 36: take it from the sum.
    expected[rows, best] = 0
    expected[rows, best] = -expected.sum(axis=1)
    scale = 1e-5 if eps == 0 else 1e-4
    np.testing.assert_allclose(found, expected, rtol=scale, atol=0 if eps == 0 else 1e-8)
    np.testing.assert_allclose(found.astype(float).sum(axis=1), 0, atol=1e-8)


def test_adam_goes_on_below_the_resolution_of_one():
    """With p - 1 rounded to zero the loss stalls at 5e-8, and in the end leaps up."""
    wanted = spec(
        {
            "dataset": {"name": "digits"},
            "model.hidden": [16],
            "optimizer": {"name": "adam", "schedule": {"lr": 0.02, "alpha": 0.0}},
            "training": {"epochs": 5000, "batch_size": 8, "eval_every": 10},
        }
    )
    loss = np.array([row.train_loss for row in Trainer(wanted, digits(50), 0)])
    fitted = int(np.flatnonzero(loss < 1e-7)[0])
    assert (np.diff(loss[fitted:]) < 0).all()
    assert loss[-1] < 1e-9
