"""Short trainings whose end is written down.

``python -m tests.unit.engine.golden`` writes it anew.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from reglab.core import datasets
from reglab.core.engine import ENGINE_VERSION, Trainer, hold_out
from reglab.core.engine.random_streams import stream
from reglab.core.spec import RunSpec, merge

FILE = Path(__file__).with_name("golden.json")
SEED = 7
BASE: dict[str, Any] = {
    "dataset": {"name": "two_moons", "train_size": 40, "test_size": 50, "label_flip": 0.1},
    "model": {"hidden": [8, 6]},
    "optimizer": {"name": "sgd", "schedule": {"lr": 0.1, "alpha": 0.7, "tau": 30.0}},
    "training": {"epochs": 4, "batch_size": 16},
}
CONSTANT = {"lr": 0.01, "alpha": 0.0, "tau": 1.0}
DIGITS = {"dataset": {"name": "digits", "train_size": 60, "test_size": 50}}
CHANGES: dict[str, dict[str, Any]] = {
    "sgd": {},
    "sgd, L2": {"regularization": {"l2": 0.02}},
    "sgd, L1": {"regularization": {"l1": 0.3}},
    "sgd, proximal L1": {"regularization": {"l1": 0.3, "l1_method": "proximal"}},
    "adam, dropout": {
        "optimizer": {"name": "adam", "schedule": CONSTANT},
        "regularization": {"dropout": 0.3},
    },
    "adam, coupled L2": {
        "optimizer": {"name": "adam", "decoupled": False, "schedule": CONSTANT},
        "regularization": {"l2": 0.02},
    },
    "smoothing, shifts": {
        **DIGITS,
        "regularization": {"label_smoothing": 0.1, "augmentation": "shift"},
    },
    "relu, random images": {
        "dataset": {**DIGITS["dataset"], "sampling": "random"},
        "model": {"hidden": [8], "activation": "relu"},
    },
}


def measure(name: str) -> tuple[list[float], str]:
    """Losses at the end, mean and spread of all parameters, and eight single ones; a digest."""
    spec = RunSpec.model_validate(merge(BASE, CHANGES[name]))
    data = hold_out(datasets.load(spec.dataset, stream(SEED, "data")), spec, SEED)
    trainer = Trainer(spec, data, SEED)
    evaluations = list(trainer)
    last, digest = evaluations[-1], hashlib.sha256(repr(evaluations).encode())
    digest.update(trainer.network().theta.tobytes())
    theta = trainer.network().theta.astype(np.float64)
    some = theta[np.linspace(0, len(theta) - 1, 8).astype(int)]
    ends = [last.train_loss, last.test_loss, theta.mean(), theta.std(), *some.tolist()]
    return [round(float(end), 6) for end in ends], digest.hexdigest()


if __name__ == "__main__":
    found = {name: measure(name) for name in CHANGES}
    ends = {name: numbers for name, (numbers, _) in found.items()}
    bits = {name: digest for name, (_, digest) in found.items()}
    document = {"version": ENGINE_VERSION, "ends": ends, "bits": bits}
    FILE.write_text(json.dumps(document, indent=1) + "\n")
