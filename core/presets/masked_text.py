"""Masked language modelling: masks drawn once against masks drawn anew each epoch."""

from __future__ import annotations

from reglab.core.presets.base import Preset

PRESET = Preset(
    name="masked-text",
    title="Masked language modelling with fixed and resampled masks",
    description=(
        "A small network predicts masked words of the Python language reference from three words "
        "on either side; masks are drawn once, or anew in every epoch as an augmentation."
    ),
    figures=("masked-text",),
    document={
        "name": "Masked language modelling with fixed and resampled masks",
        "dataset": {"name": "masked_text", "train_size": 3000, "test_size": 1500},
        "model": {"hidden": [64], "activation": "tanh"},
        "optimizer": {"name": "adam", "schedule": {"lr": 0.002, "alpha": 0.5, "tau": 2_000}},
        "training": {"epochs": 60, "batch_size": 64, "eval_every": 2},
        "sweep": {
            "regularization.augmentation": [None, {"name": "masking"}],
            "dataset.selected": [0.15, 0.2],
        },
        "seeds": [0, 1, 2],
    },
)
