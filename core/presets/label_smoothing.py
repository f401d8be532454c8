"""Label smoothing and calibration on MNIST."""

from __future__ import annotations

from reglab.core.presets.base import Preset

PRESET = Preset(
    name="label-smoothing",
    title="Label smoothing and calibration on MNIST",
    description="Calibration of an interpolating MNIST net over the smoothing of its labels.",
    figures=("fig07-calibration", "fig08-label-smoothing"),
    document={
        "name": "Label smoothing and calibration on MNIST",
        "dataset": {"name": "mnist", "train_size": 1000},
        "model": {"hidden": [128], "activation": "tanh"},
        "optimizer": {"name": "sgd", "schedule": {"lr": 0.15, "alpha": 1.0, "tau": 5_000}},
        "training": {"epochs": 250, "batch_size": 32, "eval_every": 5},
        "probes": {"calibration": {"bins": 15, "binning": "quantile"}},
        "sweep": {
            "regularization.label_smoothing": [
                0.0,
                0.005,
                0.01,
                0.015,
                0.02,
                0.025,
                0.03,
                0.04,
                0.05,
            ]
        },
    },
    substitute="mnist5k",
    article=True,
)
