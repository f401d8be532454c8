"""Equal specs and seeds give equal bits whether kernels were compiled or loaded from the cache."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from reglab.core import datasets
from reglab.core.engine import Trainer, hold_out
from reglab.core.engine.random_streams import stream
from reglab.core.spec import RunSpec

COUNT = 60
TREE = Path(__file__).parents[2]


def random_spec(choose: Random) -> RunSpec:
    """A short training with any of the methods."""
    images = choose.random() < 0.5
    regularization: dict[str, Any] = {
        "l2": choose.choice([0, 0.01]),
        "l1": choose.choice([0, 0, 0.001]),
        "l1_method": choose.choice(["subgradient", "proximal"]),
        "label_smoothing": choose.choice([0, 0.1]),
    }
    hidden = choose.choice([[], [9], [64, 64], [17, 5]])
    if hidden:
        regularization["dropout"] = choose.choice([0, 0.3])
        regularization["dropout_mask"] = choose.choice(["batch", "example"])
    names = ["shift", "rotation", "elastic", "cutout", "mixup"] if images else ["mixup"]
    regularization["augmentation"] = choose.choice([None, *names])
    digits = {"name": "digits", "train_size": 80, "test_size": 40}
    moons = {"name": "two_moons", "train_size": 50, "test_size": 30}
    return RunSpec.model_validate(
        {
            "dataset": digits if images else moons,
            "model": {
                "hidden": hidden,
                "activation": choose.choice(["tanh", "relu", "identity"]),
                "loss": choose.choice(["cross_entropy", "squared"]),
            },
            "optimizer": {
                "name": choose.choice(["sgd", "adam"]),
                "schedule": {"lr": 0.03, "alpha": choose.choice([0, 0.5]), "tau": 20},
                "decoupled": choose.random() < 0.5,
            },
            "regularization": regularization,
            "training": {"epochs": 3, "batch_size": choose.choice([7, 32])},
            "probes": {"calibration": None},
        }
    )


def trained(seed: int) -> str:
    """A digest of the parameters and of all evaluations of one spec."""
    spec = random_spec(Random(seed))
    data = hold_out(datasets.load(spec.dataset, stream(seed, "data")), spec, seed)
    trainer = Trainer(spec, data, seed)
    digest = hashlib.sha256(repr(list(trainer)).encode())
    digest.update(np.ascontiguousarray(trainer.network().theta).tobytes())
    return digest.hexdigest()


def digests_of_a_process(cache: Path) -> list[str]:
    command = [sys.executable, "-m", "tests.laws.test_bits"]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    done = subprocess.run(
        command, cwd=TREE, env=environment, capture_output=True, text=True, check=True, timeout=300
    )
    return done.stdout.split()


def test_bits_do_not_depend_on_whether_kernels_were_compiled_or_loaded(tmp_path):
    compiled = digests_of_a_process(tmp_path)
    loaded = digests_of_a_process(tmp_path)
    assert len(compiled) == COUNT
    assert len(set(compiled)) > COUNT / 2
    different = [str(random_spec(Random(k))) for k in range(COUNT) if compiled[k] != loaded[k]]
    assert not different


if __name__ == "__main__":
    print("\n".join(trained(seed) for seed in range(COUNT)))
