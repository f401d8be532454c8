"""Claims about masked language modelling."""

from __future__ import annotations

from reglab.core.claims.base import PerSeed, Runs, Section
from reglab.core.claims.controls import method_off, other_arm
from reglab.core.claims.regions import above
from reglab.core.claims.select import Family, family, pairs
from reglab.core.errors import NotMeasurableError
from reglab.core.results import RunResult

SECTION = Section("Masked language modelling", "masked-text", ("masked-text",))
PATH, SELECTED = "regularization.augmentation", "dataset.selected"


def _is_text(run: RunResult) -> bool:
    return run.spec.dataset.name == "masked_text"


def _least(run: RunResult) -> float:
    return float(run.curves["test_loss"].min())


def _sides(runs: Runs) -> Family:
    """Fixed (None,) and resampled ('masking',) masks of the least selected share."""
    table = family(runs, SELECTED, PATH, where=_is_text)
    share = min((key[0] for key in table), default=None)
    found = {
        (None if key[1] is None else "masking",): row
        for key, row in table.items()
        if key[0] == share
    }
    if len(found) < 2:
        raise NotMeasurableError(
            "It needs runs on masked_text with and without the augmentation 'masking', as the "
            "preset 'masked-text'."
        )
    return found


def _gain(runs: Runs) -> PerSeed:
    table = _sides(runs)
    sides = pairs(table[(None,)], table[("masking",)])
    return {seed: _least(fixed) - _least(drawn) for seed, (fixed, drawn) in sides.items()}


def _rise(runs: Runs) -> PerSeed:
    fixed = _sides(runs)[(None,)]
    return {seed: float(run.curves["test_loss"][-1]) - _least(run) for seed, run in fixed.items()}


CLAIMS = (
    SECTION.claim(
        "resampling-helps",
        "Masks that are drawn again in every epoch give a lower loss on unseen text than masks "
        "that are drawn once.",
        "least test loss with fixed masks minus that with resampled ones, nats",
        above(0.0),
        _gain,
        method_off(PATH, None),
    ),
    SECTION.claim(
        "fixed-overfits",
        "With fixed masks the loss on unseen text rises again, by more than a tenth of a nat.",
        "final test loss with fixed masks minus its minimum, nats",
        above(0.1, "A tenth of a nat is a tenth in likelihood per word."),
        _rise,
        other_arm(PATH, None),
    ),
)
