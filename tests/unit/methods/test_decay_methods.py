"""AdamW against Adam + L2, and proximal L1, against torch, scikit-learn and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from reglab.core.engine import Trainer
from reglab.core.figures import REGISTRY, Style, render
from reglab.core.figures.decay_methods import exact_zeros, magnitudes
from tests.harness.training import digits, moons, run, small, spec

LR, LAMBDA, STEPS = 0.01, 0.5, 40


def adam(decoupled):
    return spec(
        {
            "dataset": {"name": "digits"},
            "model.hidden": [6],
            "optimizer": {
                "name": "adam",
                "schedule": {"lr": LR, "alpha": 0.0},
                "decoupled": decoupled,
            },
            "regularization.l2": LAMBDA,
            "training": {"epochs": STEPS, "batch_size": 1000},
        }
    )


def test_pixels_without_data_decay_by_lambda_in_adamw_and_by_the_rate_in_adam_with_l2():
    data = digits()
    dead = ~data.x_train.any(axis=0)
    assert dead.sum() > 2
    ends = {}
    for decoupled in (True, False):
        trainer = Trainer(adam(decoupled), data, 1)
        start = trainer.network().weights[0][dead].astype(float)
        run(trainer)
        ends[decoupled] = trainer.network().weights[0][dead]
    # AdamW: exactly geometric.
    np.testing.assert_allclose(ends[True], start * (1 - LR * LAMBDA) ** STEPS, rtol=1e-4)
    # Adam + L2 with the gradient lambda * theta, from Adam's paper.
    theta, m, v = start.copy(), 0.0, 0.0
    for t in range(1, STEPS + 1):
        g = LAMBDA * theta
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        theta = theta - LR * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    np.testing.assert_allclose(ends[False], theta, atol=2e-5)
    assert np.abs(ends[False]).mean() < 0.3 * np.abs(ends[True]).mean()


@pytest.mark.parametrize("decoupled", [True, False])
def test_both_kinds_agree_with_torch(decoupled):
    torch = pytest.importorskip("torch")
    data = digits()
    trainer = Trainer(adam(decoupled), data, 1)
    start = trainer.network()
    run(trainer)
    model = torch.nn.Sequential(
        torch.nn.Linear(64, 6), torch.nn.Tanh(), torch.nn.Linear(6, 10)
    ).double()
    for layer, weights in zip((model[0], model[2]), start.weights, strict=True):
        layer.weight.data = torch.from_numpy(weights.T.astype(float).copy())
        layer.bias.data.zero_()
    make = torch.optim.AdamW if decoupled else torch.optim.Adam
    optimizer = make(model.parameters(), lr=LR, weight_decay=LAMBDA)
    x, y = torch.from_numpy(data.x_train.astype(float)), torch.from_numpy(data.y_train)
    for _ in range(STEPS):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    logits = model(torch.from_numpy(data.x_test.astype(float))).detach().numpy()
    np.testing.assert_allclose(trainer.network().logits(data.x_test), logits, atol=2e-3)


@pytest.mark.parametrize("strength", [0.01, 0.1, 0.2])
def test_proximal_descent_ends_at_the_optimum_of_l1_logistic_regression(strength):
    """Softmax over two classes with both columns penalized is logistic regression with theirs."""
    data = moons(60)
    wanted = spec(
        {
            "model.hidden": [],
            "optimizer.schedule": {"lr": 1.0, "alpha": 0.0},
            "regularization": {"l1": strength, "l1_method": "proximal"},
            "training": {"epochs": 6000, "batch_size": 60, "eval_every": 6000},
        }
    )
    trainer = Trainer(wanted, data, 0)
    run(trainer)
    network = trainer.network()
    weights = network.weights[0][:, 1] - network.weights[0][:, 0]
    bias = network.biases[0][1] - network.biases[0][0]
    # liblinear penalizes the intercept too, as the engine does.
    model = LogisticRegression(l1_ratio=1, C=1 / (strength * 60), solver="liblinear", tol=1e-10)
    model.fit(data.x_train.astype(float), data.y_train)
    expected = np.append(model.coef_[0], model.intercept_[0])
    np.testing.assert_allclose(np.append(weights, bias), expected, atol=2e-3)
    assert ((network.weights[0] == 0).all(axis=1) == (np.abs(model.coef_[0]) < 1e-8)).all()


def test_adamw_figure_and_its_caption():
    runs = small(
        "adamw",
        {
            "dataset": {"name": "digits", "train_size": 60, "test_size": 50},
            "model.hidden": [5],
            "training": {"epochs": 2, "batch_size": 20},
            "sweep": {"optimizer.decoupled": [False, True], "regularization.l2": [0.0, 0.1, 1.0]},
            "seeds": [0, 1],
        },
    )
    figure = REGISTRY["adamw"]
    assert figure.reason(runs) is None
    assert "decoupled" in figure.reason(runs[:6])
    losses = [run.summary["final"]["test_loss"] for run in runs]
    mild, strong = np.mean(losses[8:10]), np.mean(losses[10:12])
    best, loss = (0.1, mild) if mild < strong else (1.0, strong)
    assert f"AdamW λ₂ = {best:g}: test loss {loss:.3f}" in figure.caption(figure.measure(runs))
    assert render(figure, figure.measure(runs), Style()).startswith(b"\x89PNG")


def test_proximal_figure_counts_zeros():
    runs = small(
        "proximal-l1",
        {
            "model.hidden": [6, 5],
            "training": {"epochs": 60, "batch_size": 50, "eval_every": 60},
            "sweep": {
                "regularization.l1_method": ["subgradient", "proximal"],
                "regularization.l1": [0.0, 0.02, 0.05],
            },
            "seeds": [0],
        },
    )
    figure = REGISTRY["proximal-l1"]
    assert figure.reason(runs) is None
    assert "l1_method" in figure.reason(runs[:3])
    weights = np.concatenate([runs[-1].arrays[f"param.W{k}"].ravel() for k in range(3)])
    zeros = np.count_nonzero(weights == 0) / 52
    assert exact_zeros(runs[-1]) == pytest.approx(zeros)
    assert zeros > 0.2
    assert f"proximal: {zeros:.1%} zeros" in figure.caption(figure.measure(runs))
    size, share = magnitudes(runs[-1])
    at = np.searchsorted(size, 0.5)
    assert share[at] == pytest.approx(np.mean(np.abs(weights) <= size[at]))
    assert render(figure, figure.measure(runs), Style()).startswith(b"\x89PNG")
