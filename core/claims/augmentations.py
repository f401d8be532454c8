"""The claim that the article's suggestions of other augmentations work."""

from __future__ import annotations

import json

from reglab.core.claims.base import PerSeed, Runs, Section
from reglab.core.claims.batch_size import late_accuracy
from reglab.core.claims.controls import method_off
from reglab.core.claims.regions import above
from reglab.core.claims.select import family, pairs
from reglab.core.errors import NotMeasurableError
from reglab.core.results import RunResult

SECTION = Section("Other augmentations", "augmentations", ("augmentations",))
PATH = "regularization.augmentation"
SUGGESTED = ("rotation", "scaling", "elastic")


def _images(run: RunResult) -> bool:
    return run.spec.dataset.image_shape is not None


def _least_gain(runs: Runs) -> PerSeed:
    table = family(runs, PATH, where=_images)
    named = {json.loads(key[0])["name"]: key for key in table if key[0] is not None}
    if (None,) not in table or not set(SUGGESTED) <= set(named):
        raise NotMeasurableError(
            "It needs image runs without augmentation and with rotation, scaling and elastic, as "
            "the preset 'augmentations'."
        )
    gains: dict[int, list[float]] = {}
    for name in SUGGESTED:
        for seed, (plain, varied) in pairs(table[(None,)], table[named[name]]).items():
            gains.setdefault(seed, []).append(late_accuracy(varied) - late_accuracy(plain))
    return {seed: min(found) for seed, found in gains.items() if len(found) == len(SUGGESTED)}


CLAIMS = (
    SECTION.claim(
        "all-help",
        "Rotations, rescaling and elastic distortions each raise the test accuracy on digits.",
        "least of the three gains in late test accuracy",
        above(0.0),
        _least_gain,
        method_off(PATH, None),
    ),
)
