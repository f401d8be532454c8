"""Early stopping and spectral bias on Fashion-MNIST."""

from __future__ import annotations

from reglab.core.presets.base import Preset

PRESET = Preset(
    name="early-stopping",
    title="Early stopping and spectral bias on Fashion-MNIST",
    description=(
        "Train and test loss of a deep net, and along which principal components of the data "
        "its first layer learns over time."
    ),
    figures=("fig09-early-stopping", "fig10-spectrum"),
    document={
        "name": "Early stopping and spectral bias on Fashion-MNIST",
        "dataset": {"name": "fashion_mnist", "train_size": 1000},
        "model": {"hidden": [128, 128], "activation": "tanh"},
        "optimizer": {"name": "sgd", "schedule": {"lr": 0.05, "alpha": 1.0, "tau": 5_000}},
        "training": {"epochs": 1000, "batch_size": 500, "eval_every": 5},
        "probes": {"spectrum": {"snapshots": 24}},
    },
    substitute="mnist5k",
    article=True,
)
