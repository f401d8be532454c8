"""What the article leaves open, and what else could have been chosen: a stated list."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reglab.core.errors import SpecError
from reglab.core.presets import build
from reglab.core.spec import ExperimentSpec

Changes = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Choice:
    """One decision taken otherwise than in the presets.

    Attributes:
        name: Short name.
        text: What is chosen, as a clause.
        changes: Overrides by preset; of the others the presets are taken as they are.
    """

    name: str
    text: str
    changes: Mapping[str, Changes]


def _everywhere(presets: tuple[str, ...], changes: Changes) -> dict[str, Changes]:
    return dict.fromkeys(presets, changes)


IMAGES = ("augmentation", "label-smoothing", "early-stopping")
DECAY = ("l2", "l1")
SHIFTS = "sweep.regularization.augmentation"


def _shifts(**settings: str) -> dict[str, Changes]:
    return {"augmentation": {SHIFTS: [None, {"name": "shift", **settings}]}}


CHOICES = (
    Choice(
        "moons-less-noise",
        "noise of the moons 0.05 under decay, 0.2 with dropout",
        {**_everywhere(DECAY, {"dataset.noise": 0.05}), "dropout": {"dataset.noise": 0.2}},
    ),
    Choice(
        "moons-more-noise",
        "noise of the moons 0.3 under decay, 0.4 with dropout",
        {**_everywhere(DECAY, {"dataset.noise": 0.3}), "dropout": {"dataset.noise": 0.4}},
    ),
    Choice(
        "first-images",
        "the first training images for all seeds",
        _everywhere(IMAGES, {"dataset.sampling": "first"}),
    ),
    Choice(
        "centred-inputs",
        "the mean training image subtracted",
        _everywhere(IMAGES, {"dataset.centred": True}),
    ),
    Choice(
        "small-test-set",
        "1,000 test images",
        _everywhere(IMAGES, {"dataset.test_size": 1000}),
    ),
    Choice("shift-wraps", "shifts around the edges of the image", _shifts(fill="wrap")),
    Choice("shift-per-image", "a shift for each image", _shifts(unit="example")),
    Choice(
        "short-tau",
        "tau 5e3 for augmentation, as in the other image experiments",
        {"augmentation": {"optimizer.schedule.tau": 5000}},
    ),
)
# Parts of a spec that do not tell choices apart; a control belongs to the choice of its spec.
_ASIDE = frozenset({"name", "tags", "seeds"})


def choice_of(preset: str, spec: ExperimentSpec) -> Choice | None:
    """The choice under which an experiment of a preset was run; None for any other spec.

    Seeds, number of epochs, the dataset's name, and labels shuffled for a control do not matter.
    """
    own = _essence(spec)
    for choice in CHOICES:
        if preset in choice.changes and own == _built(preset, choice, spec.dataset.name):
            return choice
    return None


def is_printed(preset: str, spec: ExperimentSpec) -> bool:
    """Whether an experiment is as the preset says, with the same exceptions."""
    return _essence(spec) == _built(preset, None, spec.dataset.name)


# A report asks for all choices of each of its experiments.
@functools.lru_cache(256)
def _built(preset: str, choice: Choice | None, dataset: str) -> dict[str, Any] | None:
    changes = choice.changes[preset] if choice else {}
    try:
        return _essence(build(preset, {**changes, "dataset.name": dataset}))
    except SpecError:
        return None


def _essence(spec: ExperimentSpec) -> dict[str, Any]:
    document = spec.model_dump(mode="json", exclude=set(_ASIDE))
    del document["training"]["epochs"]
    if document["dataset"].get("label_noise") == 1:
        del document["dataset"]["label_noise"]
    return document
