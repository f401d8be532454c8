"""Compile or load the kernels that most trainings need before they are needed."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
# Longer than compiling takes, also on a busy machine.
PATIENCE_SECONDS = 120.0


def warm_up() -> None:
    """Train a tiny network by plain SGD; some seconds the first time, then from the disk cache.

    Of several processes one compiles, and the others wait for what it leaves in the cache. The code
    of another optimizer or constraint is compiled when it is first used.
    """
    x = np.eye(4, 2, dtype=np.float32)
    y = np.array([0, 1, 0, 1], np.int64)
    data = Dataset(x, y, x, y, 2, None, ("a", "b"))
    with _one_process():
        for _ in Trainer(RunSpec.model_validate(_SPEC), data, seed=0):
            pass


@contextmanager
def _one_process() -> Iterator[None]:
    """Hold a lock in the folder of the cache; go on without it where it cannot be taken."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    folder = Path(os.environ["NUMBA_CACHE_DIR"])
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    except OSError:
        yield
        return
    try:
        while time.monotonic() < deadline:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                time.sleep(0.05)
        yield
    finally:
        os.close(lock)
