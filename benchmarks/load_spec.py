"""What the load test trains."""

from __future__ import annotations

from typing import Any

# Tag of the finished experiments that readers look at most.
SHELF = "shelf"


def document_of(seed: int, tag: str) -> dict[str, Any]:
    """An experiment of two short runs."""
    return {
        "name": f"load {seed}",
        "tags": [tag],
        "dataset": {"name": "two_moons", "train_size": 250, "label_flip": 0.1},
        "model": {"hidden": [64, 64]},
        "optimizer": {"schedule": {"lr": 0.15, "alpha": 1.0, "tau": 50000.0}},
        "training": {"epochs": 2000, "batch_size": 32, "eval_every": 20},
        "probes": {"boundary": {"resolution": 60}},
        "seeds": [seed, seed + 1],
    }
