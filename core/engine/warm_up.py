"""Compile or load the kernels that most trainings need before they are needed."""

from __future__ import annotations

import numpy as np

from reglab.core.datasets.base import Dataset
from reglab.core.engine.trainer import Trainer
from reglab.core.spec import RunSpec

_SPEC = {
    "dataset": {"name": "two_moons", "train_size": 4, "test_size": 4},
    "model": {"hidden": [2], "activation": "tanh"},
    "optimizer": {"name": "sgd", "schedule": {"lr": 0.1}},
    "training": {"epochs": 1, "batch_size": 2},
}


def warm_up() -> None:
    """Train a tiny network by plain SGD; some seconds the first time, then from the disk cache.

    The code of another optimizer or constraint is compiled when it is first used.
    """
    x = np.eye(4, 2, dtype=np.float32)
    y = np.array([0, 1, 0, 1], np.int64)
    data = Dataset(x, y, x, y, 2, None, ("a", "b"))
    for _ in Trainer(RunSpec.model_validate(_SPEC), data, seed=0):
        pass
