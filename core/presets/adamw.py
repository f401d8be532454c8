"""Weight decay inside Adam's gradient (Adam + L2) against beside it (AdamW)."""

from __future__ import annotations

from reglab.core.presets.base import Preset

PRESET = Preset(
    name="adamw",
    title="Adam + L2 against AdamW on MNIST",
    description=(
        "The same decay added to the gradient, where Adam rescales it weight by weight, and "
        "decoupled from it, over four powers of ten of lambda."
    ),
    figures=("adamw",),
    document={
        "name": "Adam + L2 against AdamW on MNIST",
        "dataset": {"name": "mnist", "train_size": 1000},
        "model": {"hidden": [128], "activation": "tanh"},
        "optimizer": {"name": "adam", "schedule": {"lr": 0.003, "alpha": 0.5, "tau": 1_000}},
        "training": {"epochs": 60, "batch_size": 32, "eval_every": 10},
        "sweep": {
            "optimizer.decoupled": [False, True],
            "regularization.l2": [0.0, 0.0001, 0.001, 0.01, 0.1, 1.0, 3.0],
        },
        "seeds": [0, 1, 2],
    },
    substitute="mnist5k",
)
