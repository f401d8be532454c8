"""A linear model whose error along each principal component has a closed form."""

from __future__ import annotations

from reglab.core.presets.base import Preset

PRESET = Preset(
    name="linear-spectrum",
    title="Error of a linear model by principal component on MNIST",
    description=(
        "Full-batch gradient descent on the squared loss of a linear model: along each principal "
        "component of the data the error falls as (1 - lr lambda_k)^t."
    ),
    figures=("linear-spectrum",),
    document={
        "name": "Error of a linear model by principal component on MNIST",
        "dataset": {"name": "mnist", "train_size": 1000, "test_size": 1000, "centred": True},
        "model": {"hidden": [], "activation": "identity", "loss": "squared"},
        "optimizer": {"name": "sgd", "schedule": {"lr": 0.2}},
        "training": {"epochs": 4000, "batch_size": 1000, "eval_every": 1},
        "probes": {"calibration": None, "components": {"snapshots": 60}},
        "seeds": [0, 1, 2],
    },
    substitute="mnist5k",
)
