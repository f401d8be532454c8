"""Temperature scaling after training against label smoothing during it."""

from __future__ import annotations

from reglab.core.presets.base import Preset

PRESET = Preset(
    name="temperature-scaling",
    title="Temperature scaling against label smoothing on MNIST",
    description=(
        "The article's label smoothing experiment with 500 more images, held out of training, on "
        "which each network's temperature is fitted; calibration is measured on the test set."
    ),
    figures=("temperature-scaling",),
    document={
        "name": "Temperature scaling against label smoothing on MNIST",
        "dataset": {"name": "mnist", "train_size": 1500},
        "model": {"hidden": [128], "activation": "tanh"},
        "optimizer": {"name": "sgd", "schedule": {"lr": 0.15, "alpha": 1.0, "tau": 5_000}},
        "training": {"epochs": 250, "batch_size": 32, "eval_every": 50},
        "probes": {"temperature": {"validation_size": 500}},
        "sweep": {"regularization.label_smoothing": [0.0, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05]},
        "seeds": [0, 1, 2],
    },
    substitute="mnist5k",
)
