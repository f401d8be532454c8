"""The batch size as a regularizer: noise of small batches."""

from __future__ import annotations

from reglab.core.presets.base import Preset

PRESET = Preset(
    name="batch-size",
    title="Batch size on MNIST",
    description=(
        "One net trained by plain SGD at a constant rate for the same number of epochs, over the "
        "batch size from 4 images to all of them."
    ),
    figures=("batch-size",),
    document={
        "name": "Batch size on MNIST",
        "dataset": {"name": "mnist", "train_size": 1000},
        "model": {"hidden": [128], "activation": "tanh"},
        "optimizer": {"name": "sgd", "schedule": {"lr": 0.1}},
        "training": {"epochs": 200, "batch_size": 32, "eval_every": 5},
        "sweep": {"training.batch_size": [4, 8, 16, 32, 64, 128, 256, 1000]},
        "seeds": [0, 1, 2],
    },
    substitute="mnist5k",
)
