"""Claims about shift augmentation: what happens before and after the training set is fitted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from reglab.core.claims.base import PerSeed, Runs, Section
from reglab.core.claims.controls import changed, method_off, other_arm, untrained, with_curves
from reglab.core.claims.regions import above, below, within
from reglab.core.claims.select import family, pairs
from reglab.core.errors import NotMeasurableError
from reglab.core.metrics.curves import late_mean
from reglab.core.results import RunResult

SECTION = Section("Data augmentation", "augmentation", ("augmentation",))
Floats = NDArray[np.float64]
SAME_ACCURACY = 0.01
SAME = "Two standard errors of an accuracy on 10,000 images, and room for the noise of a late step."
NEARLY_ONE = 0.99
# A loss may round to zero, which has no logarithm.
TINY = 1e-12
PATH = "regularization.augmentation"


def _name(run: RunResult) -> str | None:
    augmentation = run.spec.regularization.augmentation
    return augmentation.name if augmentation else None


def _sides(runs: Runs) -> dict[int, tuple[RunResult, RunResult]]:
    """Plain and shifted run of each seed."""
    chosen = [
        run
        for run in runs
        if run.spec.dataset.image_shape is not None
        and _name(run) in (None, "shift")
        # Both sides are compared epoch by epoch, to the end.
        and run.spec.regularization.early_stopping is None
    ]
    table = family(chosen, PATH)
    shifted = [key for key in table if key[0] is not None]
    if (None,) not in table or not shifted:
        raise NotMeasurableError(
            "It needs image runs with and without shift augmentation, as the preset 'augmentation'."
        )
    return pairs(table[(None,)], table[shifted[0]])


def interpolation(run: RunResult) -> int | None:
    """Position of the first evaluation at which every training example is right, or None."""
    hits = np.flatnonzero(run.curves["train_accuracy"] >= 1.0)
    return int(hits[0]) if len(hits) else None


def _gain_at_end(runs: Runs) -> PerSeed:
    return {
        seed: late_mean(shifted.curves["test_accuracy"]) - late_mean(plain.curves["test_accuracy"])
        for seed, (plain, shifted) in _sides(runs).items()
    }


def _time_to_fit(runs: Runs) -> PerSeed:
    found = {}
    for seed, (plain, _) in _sides(runs).items():
        at, epochs = interpolation(plain), plain.curves["epoch"]
        found[seed] = 1.0 if at is None else float(epochs[at] / epochs[-1])
    return found


def _after_fit(measure: Callable[[RunResult, RunResult, int], float]) -> Callable[[Runs], PerSeed]:
    def by_seed(runs: Runs) -> PerSeed:
        found = {}
        for seed, (plain, shifted) in _sides(runs).items():
            at = interpolation(plain)
            # Two evaluations on each side are the least that a comparison needs.
            if at is not None and 1 <= at < len(plain.curves["epoch"]) - 2:
                found[seed] = measure(plain, shifted, at)
        if not found:
            raise NotMeasurableError(
                "The network without augmentation never fits all its examples."
            )
        return found

    return by_seed


def _falling_steps(plain: RunResult, shifted: RunResult, at: int) -> float:
    return float(np.mean(np.diff(plain.curves["train_loss"][at:]) < 0))


def _roughness(run: RunResult, at: int) -> float:
    loss = np.log10(np.maximum(run.curves["train_loss"][at:], TINY))
    return float(np.std(np.diff(loss)))


def _noise_ratio(plain: RunResult, shifted: RunResult, at: int) -> float:
    return float(np.log10(max(_roughness(shifted, at), 1e-9) / max(_roughness(plain, at), 1e-9)))


def _change_after(plain: RunResult, shifted: RunResult, at: int) -> float:
    return late_mean(plain.curves["test_accuracy"]) - float(plain.curves["test_accuracy"][at])


def _further_gain(plain: RunResult, shifted: RunResult, at: int) -> float:
    return _gain_since(shifted, at)


def _gain_since(run: RunResult, at: int) -> float:
    accuracy = run.curves["test_accuracy"]
    return late_mean(accuracy) - float(accuracy[at])


def _difference_before(plain: RunResult, shifted: RunResult, at: int) -> float:
    before = slice(1, at + 1)
    return float(
        np.mean(shifted.curves["test_accuracy"][before] - plain.curves["test_accuracy"][before])
    )


def _gain_near_fit(runs: Runs) -> PerSeed:
    found = {}
    for seed, (_, shifted) in _sides(runs).items():
        near = np.flatnonzero(shifted.curves["train_accuracy"] >= NEARLY_ONE)
        if len(near):
            found[seed] = _gain_since(shifted, int(near[0]))
    if not found:
        raise NotMeasurableError("The augmented network never comes near a train accuracy of one.")
    return found


def _margin_growth(plain: RunResult, shifted: RunResult, at: int) -> float:
    loss = np.maximum(
        plain.curves["train_loss"][[(at + len(plain.curves["epoch"])) // 2, -1]], TINY
    )
    before, after = -np.log(np.expm1(loss))
    return float(after - before)


def _unseen(run: RunResult) -> RunResult:
    return with_curves(run, train_loss=run.curves["test_loss"])


CLAIMS = (
    SECTION.claim(
        "test-accuracy",
        "A network trained on randomly shifted images ends with a higher test accuracy.",
        "test accuracy with minus without shifts, mean over the last tenth of training",
        above(0.0),
        _gain_at_end,
        method_off(PATH, None),
    ),
    SECTION.claim(
        "fits-early",
        "Without augmentation, the network soon classifies every training image correctly.",
        "share of the training time until train accuracy first reaches 100 %",
        below(0.25, '"Quickly" is read as the first quarter of the training.', most=1.0),
        _time_to_fit,
        other_arm(PATH, None),
    ),
    SECTION.claim(
        "loss-falls",
        "Once it fits every training image, the plain network's train loss only falls.",
        "share of evaluations after that with a lower train loss than the one before",
        above(0.95, "Float32 rounding may lift a loss once in twenty evaluations.", most=1.0),
        _after_fit(_falling_steps),
        other_arm(PATH, None),
    ),
    SECTION.claim(
        "loss-smooth",
        "From then on the plain network's train loss is less noisy than the augmented one's.",
        "log10 ratio (augmented to plain) of the spread of steps in log10 train loss",
        above(0.0),
        _after_fit(_noise_ratio),
        method_off(PATH, None),
    ),
    SECTION.claim(
        "saturates",
        "The plain network's test accuracy stays where it was when it came to fit every image.",
        "late test accuracy minus that at the first perfect train accuracy",
        within(-SAME_ACCURACY, SAME_ACCURACY, SAME),
        _after_fit(_change_after),
        other_arm(PATH, None),
    ),
    SECTION.claim(
        "equal-before",
        "Until the plain network fits every image, both networks have the same test accuracy.",
        "test accuracy with minus without shifts, mean over the evaluations up to then",
        within(-SAME_ACCURACY, SAME_ACCURACY, SAME),
        _after_fit(_difference_before),
        untrained(lambda run: _name(run) is not None, "the augmented network before training"),
    ),
    SECTION.claim(
        "improves-near-fit",
        "The test accuracy of the augmented network increases while its train accuracy nears one, "
        "by more than what is called unchanged.",
        "late test accuracy with shifts minus that when its train accuracy first reaches 99 %",
        above(SAME_ACCURACY, SAME),
        _gain_near_fit,
        method_off(PATH, None),
    ),
    SECTION.claim(
        "margins-grow",
        "Margins on training images still grow long after the plain network fits them all.",
        "growth of -ln(exp(train loss) - 1), the margin of an example with that loss, over the "
        "second half of the evaluations after that, nats",
        above(0.0),
        _after_fit(_margin_growth),
        changed("the test loss in place of the train loss", _unseen),
    ),
    SECTION.claim(
        "goes-on",
        "The test accuracy of the augmented network increases further after that time, by more "
        "than what is called unchanged of the plain one.",
        "late test accuracy with shifts minus that when the plain network first fits all",
        above(SAME_ACCURACY, SAME),
        _after_fit(_further_gain),
        method_off(PATH, None),
    ),
)
