"""Scale invariance of ReLU networks, and how weight decay breaks it."""

from __future__ import annotations

from reglab.core.presets.base import Preset

PRESET = Preset(
    name="relu-scale",
    title="Scale invariance of ReLU networks under weight decay",
    description=(
        "Norms of the two layers of a ReLU and a tanh network over training without and with L2 "
        "decay, and what rescaling one layer by c and the other by 1/c does to the outputs."
    ),
    figures=("relu-scale",),
    document={
        "name": "Scale invariance of ReLU networks under weight decay",
        "dataset": {"name": "two_moons", "train_size": 250, "noise": 0.15},
        "model": {"hidden": [64], "activation": "relu"},
        "optimizer": {"name": "sgd", "schedule": {"lr": 0.02}},
        "training": {"epochs": 4000, "batch_size": 32, "eval_every": 50},
        "probes": {"norms": {}},
        "sweep": {
            "model.activation": ["relu", "tanh"],
            "regularization.l2": [0.0, 0.0005, 0.002],
        },
        "seeds": [0, 1, 2],
    },
)
