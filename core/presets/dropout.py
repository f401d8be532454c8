"""Dropout on two moons."""

from __future__ import annotations

from reglab.core.presets.base import Preset

PRESET = Preset(
    name="dropout",
    title="Dropout on two moons",
    description="Two moons that overlap, trained without dropout and with p = 0.4.",
    figures=("fig05-dropout-boundaries", "fig06-dropout-instances"),
    document={
        "name": "Dropout on two moons",
        "dataset": {"name": "two_moons", "train_size": 300, "noise": 0.3, "label_flip": 0.0},
        "model": {"hidden": [96, 96], "activation": "tanh"},
        "optimizer": {
            "name": "adam",
            "beta1": 0.9,
            "beta2": 0.999,
            "schedule": {"lr": 0.05, "alpha": 0.5, "tau": 50_000},
        },
        "training": {"epochs": 10_000, "batch_size": 32, "eval_every": 40},
        # Saturated nets jump from 0 to 1 between neighbours of a coarse grid.
        "probes": {"boundary": {"resolution": 240, "dropout_instances": 3}},
        "sweep": {"regularization.dropout": [0.0, 0.4]},
    },
    substitute=None,
    article=True,
)
