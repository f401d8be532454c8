"""L2 weight decay on two moons."""

from __future__ import annotations

from reglab.core.presets.base import Preset

PRESET = Preset(
    name="l2",
    title="L2 weight decay on two moons",
    description=(
        "Two moons with a tenth of the labels flipped, over the strength of L2 weight decay."
    ),
    figures=("fig02-l2-boundaries", "fig04-weights"),
    document={
        "name": "L2 weight decay on two moons",
        "dataset": {"name": "two_moons", "train_size": 250, "noise": 0.15, "label_flip": 0.1},
        "model": {"hidden": [64, 64], "activation": "tanh"},
        "optimizer": {"name": "sgd", "schedule": {"lr": 0.15, "alpha": 1.0, "tau": 50_000}},
        "training": {"epochs": 10_000, "batch_size": 32, "eval_every": 40},
        "probes": {"boundary": {"resolution": 160}},
        "sweep": {
            "regularization.l2": [0.0, 0.0025, 0.005, 0.0075, 0.01, 0.0125, 0.015, 0.0175, 0.02]
        },
    },
    substitute=None,
    article=True,
)
