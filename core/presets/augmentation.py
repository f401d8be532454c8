"""Shift augmentation on MNIST."""

from __future__ import annotations

from reglab.core.presets.base import Preset

PRESET = Preset(
    name="augmentation",
    title="Shift augmentation on MNIST",
    description="A small MNIST net trained with and without random shifts of its batches.",
    figures=("fig01-augmentation",),
    document={
        "name": "Shift augmentation on MNIST",
        "dataset": {"name": "mnist", "train_size": 1000},
        "model": {"hidden": [128], "activation": "tanh"},
        "optimizer": {
            "name": "adam",
            "beta1": 0.9,
            "beta2": 0.999,
            "schedule": {"lr": 0.01, "alpha": 0.5, "tau": 50_000},
        },
        "training": {"epochs": 250, "batch_size": 8, "eval_every": 2},
        "sweep": {"regularization.augmentation": [None, {"name": "shift"}]},
    },
    substitute="mnist5k",
    article=True,
)
