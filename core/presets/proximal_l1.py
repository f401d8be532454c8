"""L1 by subgradients, which jitter about zero, against the proximal step, which stays there."""

from __future__ import annotations

from reglab.core.presets.base import Preset

PRESET = Preset(
    name="proximal-l1",
    title="Proximal L1 against subgradients on two moons",
    description=(
        "The article's L1 experiment with sign(theta) in the update and with a soft threshold "
        "after it: the same accuracy, but weights that are exactly zero."
    ),
    figures=("proximal-l1",),
    document={
        "name": "Proximal L1 against subgradients on two moons",
        "dataset": {"name": "two_moons", "train_size": 250, "noise": 0.15, "label_flip": 0.1},
        "model": {"hidden": [64, 64], "activation": "tanh"},
        "optimizer": {"name": "sgd", "schedule": {"lr": 0.15, "alpha": 1.0, "tau": 50_000}},
        "training": {"epochs": 4000, "batch_size": 32, "eval_every": 100},
        "sweep": {
            "regularization.l1_method": ["subgradient", "proximal"],
            "regularization.l1": [0.0, 0.00025, 0.0005, 0.001, 0.002, 0.004],
        },
        "seeds": [0, 1, 2],
    },
)
