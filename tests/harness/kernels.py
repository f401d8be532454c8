"""Compiles the kernels that every process of the suite needs, before these start."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from reglab.core import datasets
from reglab.core.engine import Trainer
from reglab.core.engine.random_streams import stream
from reglab.core.spec import RunSpec

DATASETS = (
    {"name": "two_moons", "train_size": 20, "test_size": 20},
    {"name": "digits", "train_size": 20, "test_size": 20},
)
# Two take about as long as one, where there is a processor for each.
PROCESSES = 2


def specs() -> list[RunSpec]:
    """One for each combination of dense or sparse inputs, optimizer and constraint."""
    found = []
    for data, name, method in itertools.product(
        DATASETS, ["sgd", "adam"], ["subgradient", "proximal"]
    ):
        document: dict[str, Any] = {
            "dataset": data,
            "model": {"hidden": [4, 3]},
            "optimizer": {"name": name, "schedule": {"lr": 0.1}},
            "regularization": {"l1": 0.001, "l1_method": method},
            "training": {"epochs": 1, "batch_size": 10},
        }
        found.append(RunSpec.model_validate(document))
    return found


def compile_part(part: int) -> None:
    """Every so many of them, from one on."""
    for spec in specs()[part::PROCESSES]:
        for _ in Trainer(spec, datasets.load(spec.dataset, stream(0, "data")), 0):
            pass


def compile_all() -> None:
    """At once if that was done for these sources before."""
    done = Path(os.environ["NUMBA_CACHE_DIR"], "compiled-for-tests")
    if done.exists():
        return
    commands = [[sys.executable, "-m", __name__, str(part)] for part in range(PROCESSES)]
    children = [subprocess.Popen(command) for command in commands]
    codes = [child.wait() for child in children]
    # What cannot be compiled is left to the tests, one of which then says why.
    if not any(codes):
        done.touch()


if __name__ == "__main__":
    compile_part(int(sys.argv[1]))
