"""Seven augmentations of images side by side."""

from __future__ import annotations

from reglab.core.presets.base import Preset

PRESET = Preset(
    name="augmentations",
    title="Augmentations of MNIST",
    description=(
        "The article's augmentation experiment with more ways to vary an image: rotation, scaling, "
        "elastic distortion, noise, cutout and mixup beside shifts and none."
    ),
    figures=("augmentations",),
    document={
        "name": "Augmentations of MNIST",
        "dataset": {"name": "mnist", "train_size": 1000},
        "model": {"hidden": [128], "activation": "tanh"},
        "optimizer": {"name": "adam", "schedule": {"lr": 0.003, "alpha": 0.5, "tau": 5_000}},
        "training": {"epochs": 100, "batch_size": 32, "eval_every": 5},
        "sweep": {
            "regularization.augmentation": [
                None,
                {"name": "shift"},
                {"name": "rotation"},
                {"name": "scaling"},
                {"name": "elastic"},
                {"name": "gaussian_noise"},
                {"name": "cutout"},
                {"name": "mixup"},
            ]
        },
        "seeds": [0, 1, 2],
    },
    substitute="mnist5k",
)
