"""Small datasets and specs."""

from __future__ import annotations

from typing import Any

import numpy as np

from reglab.core import datasets
from reglab.core.datasets import Dataset
from reglab.core.spec import Digits, RunSpec, TwoMoons, merge

BASE: dict[str, Any] = {
    "dataset": {"name": "two_moons"},
    "model": {"hidden": [7, 5], "activation": "tanh"},
    "optimizer": {"name": "sgd", "schedule": {"lr": 0.2, "alpha": 0.7, "tau": 30.0}},
    "training": {"epochs": 3, "batch_size": 16},
}


def spec(changes: dict[str, Any] | None = None) -> RunSpec:
    return RunSpec.model_validate(merge(BASE, changes or {}))


def moons(size: int = 50) -> Dataset:
    wanted = TwoMoons(name="two_moons", train_size=size, test_size=40, label_flip=0.1)
    return datasets.load(wanted, np.random.default_rng(5))


def digits(size: int = 50) -> Dataset:
    """8 x 8 images; about half of the pixels are zero."""
    wanted = Digits(name="digits", train_size=size, test_size=40)
    return datasets.load(wanted, np.random.default_rng(5))


def sparse_digits(size: int = 50) -> Dataset:
    """The same with faint pixels put out, so that the first layer goes over non-zeros."""
    data = digits(size)
    x, test = (
        np.where(data.x_train > 0.8, data.x_train, 0),
        np.where(data.x_test > 0.8, data.x_test, 0),
    )
    return Dataset(x, data.y_train, test, data.y_test, 10, data.image_shape, data.class_names, {})
