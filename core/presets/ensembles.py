"""Ensembles of networks against dropout and Monte Carlo dropout."""

from __future__ import annotations

from reglab.core.presets.base import Preset

PRESET = Preset(
    name="ensembles",
    title="Ensembles, dropout and MC dropout on MNIST",
    description=(
        "Ten networks that differ in their seed, averaged; against one network with dropout and "
        "the average of its networks with dropout left on."
    ),
    figures=("ensembles",),
    document={
        "name": "Ensembles, dropout and MC dropout on MNIST",
        "dataset": {"name": "mnist", "train_size": 1000, "test_size": 5000},
        "model": {"hidden": [128, 128], "activation": "tanh"},
        "optimizer": {"name": "sgd", "schedule": {"lr": 0.15, "alpha": 1.0, "tau": 5_000}},
        "regularization": {"dropout_mask": "example"},
        "training": {"epochs": 150, "batch_size": 32, "eval_every": 25},
        "probes": {"mc_dropout": {"samples": 50}},
        "sweep": {"regularization.dropout": [0.0, 0.4]},
        "seeds": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    },
    substitute="mnist5k",
)
