"""L1 weight decay on two moons."""

from __future__ import annotations

from reglab.core.presets.base import Preset

PRESET = Preset(
    name="l1",
    title="L1 weight decay on two moons",
    description=(
        "Two moons with a tenth of the labels flipped, over the strength of L1 weight decay."
    ),
    figures=("fig03-l1-boundaries", "fig04-weights"),
    document={
        "name": "L1 weight decay on two moons",
        "dataset": {"name": "two_moons", "train_size": 250, "noise": 0.15, "label_flip": 0.1},
        "model": {"hidden": [64, 64], "activation": "tanh"},
        "optimizer": {"name": "sgd", "schedule": {"lr": 0.15, "alpha": 1.0, "tau": 50_000}},
        "training": {"epochs": 10_000, "batch_size": 32, "eval_every": 40},
        "probes": {"boundary": {"resolution": 160}},
        "sweep": {
            "regularization.l1": [0.0, 0.0005, 0.001, 0.0015, 0.002, 0.0025, 0.003, 0.0035, 0.004]
        },
    },
    substitute=None,
    article=True,
)
