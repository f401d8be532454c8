"""Laws that trainings are measured against: their closed forms, and how far a run is from them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reglab.core.results import RunResult
from reglab.core.spec import RunSpec

Floats = NDArray[np.float64]


def is_plain_descent(spec: RunSpec) -> bool:
    """Whether a run is of SGD with a power schedule and nothing around it."""
    optimizer = spec.optimizer
    around = (
        optimizer.clip_norm,
        optimizer.sam,
        optimizer.schedule.warmup,
        getattr(optimizer, "momentum", 0),
        not spec.regularization.decay_biases,
        spec.regularization.l2_convention == "penalty",
        spec.regularization.max_norm,
    )
    return optimizer.name == "sgd" and optimizer.schedule.name == "power" and not any(around)


def follows_closed_form(run: RunResult) -> bool:
    """Whether a run is what the closed form speaks of: linear, squared loss, gradient descent."""
    spec = run.spec
    plain = is_plain_descent(spec) and getattr(spec.optimizer.schedule, "alpha", None) == 0
    whole = spec.training.batch_size >= spec.dataset.n_train
    centred = getattr(spec.dataset, "centred", False)
    regularized = spec.regularization.model_dump(exclude_defaults=True)
    linear = not spec.model.hidden and spec.model.loss == "squared"
    return bool(linear and plain and whole and centred and not regularized)


def closed_form(run: RunResult) -> Floats:
    """|1 - lr lambda_k|^t times the error at the start, (T, r)."""
    epochs, eigenvalues = run.arrays["components.epochs"], run.arrays["components.eigenvalues"]
    keep = np.abs(1 - run.spec.optimizer.schedule.lr * eigenvalues)
    return np.asarray(run.arrays["components.error"][0] * keep ** epochs[:, None])


def deviation(run: RunResult, floor: float = 1e-3) -> float:
    """Largest relative deviation from the closed form, where that is above floor * start."""
    expected, found = closed_form(run), run.arrays["components.error"]
    # Below the floor, float32 rounding of the outputs is what is left.
    counted = expected > floor * found[0]
    return float(np.max(np.abs(found[counted] / expected[counted] - 1)))


def imbalance(run: RunResult) -> Floats:
    """|W0|^2 + |b0|^2 - |W1|^2 over time, (T,)."""
    weights, biases = run.arrays["norms.weights"], run.arrays["norms.biases"]
    return np.asarray(weights[:, 0] + biases[:, 0] - weights[:, 1])


def decayed(run: RunResult) -> Floats:
    """What gradient flow predicts of it: its start times exp(-2 lambda sum of rates), (T,)."""
    rate, l2 = run.spec.optimizer.schedule, run.spec.regularization.l2
    assert rate.name == "power", "Runs are chosen by is_plain_descent."
    steps = run.arrays["norms.steps"]
    t = np.arange(1, int(steps[-1]) + 1)
    time = np.concatenate([[0.0], np.cumsum(rate.lr / (1 + t / rate.tau) ** rate.alpha)])
    return np.asarray(imbalance(run)[0] * np.exp(-2 * l2 * time[steps]))


def law_deviation(run: RunResult) -> float:
    """Largest distance of the imbalance from the law, as a share of its start."""
    found = imbalance(run)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.max(np.abs(found - decayed(run))) / abs(found[0]))
