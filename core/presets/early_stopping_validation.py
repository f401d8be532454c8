"""Early stopping on a validation split, against the stop that knows the test loss."""

from __future__ import annotations

from reglab.core.presets.base import Preset

# A patience beyond the number of evaluations never stops: this run shows what the others missed.
NEVER = 100_000

PRESET = Preset(
    name="early-stopping-validation",
    title="Early stopping on a validation split of Fashion-MNIST",
    description=(
        "A net that overfits, stopped by the loss on 250 images held out of training for several "
        "patiences, against the run that goes on and the minimum of its test loss."
    ),
    figures=("early-stopping-validation",),
    document={
        "name": "Early stopping on a validation split of Fashion-MNIST",
        "dataset": {"name": "fashion_mnist", "train_size": 1250},
        "model": {"hidden": [128, 128], "activation": "tanh"},
        "optimizer": {"name": "sgd", "schedule": {"lr": 0.05, "alpha": 1.0, "tau": 5_000}},
        "training": {"epochs": 200, "batch_size": 50, "eval_every": 2},
        "regularization": {"early_stopping": {"validation_size": 250}},
        "sweep": {"regularization.early_stopping.patience": [1, 5, 20, NEVER]},
        "seeds": [0, 1, 2],
    },
    substitute="mnist5k",
)
