"""Claims about early stopping on a validation split."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from reglab.core.claims.base import Control, PerSeed, Runs, Section
from reglab.core.claims.controls import tables
from reglab.core.claims.regions import above, below
from reglab.core.claims.select import family
from reglab.core.errors import NotMeasurableError
from reglab.core.results import RunResult

SECTION = Section(
    "Early stopping on a validation split", "validation-stopping", ("early-stopping-validation",)
)
PATH = "regularization.early_stopping.patience"


def _splits(run: RunResult) -> bool:
    return run.spec.regularization.early_stopping is not None and "validation_loss" in run.curves


def _ended_early(run: RunResult) -> bool:
    return bool(run.curves["epoch"][-1] < run.spec.training.epochs)


def _kept_loss(run: RunResult) -> float:
    """Test loss where the validation loss was least."""
    return float(run.curves["test_loss"][int(run.curves["validation_loss"].argmin())])


def _by_seed(measure: Callable[[RunResult, RunResult], float]) -> Callable[[Runs], PerSeed]:
    """Mean of a measure of (run that went on, stopped run) over the patiences that stopped."""

    def found(runs: Runs) -> PerSeed:
        table = family(runs, PATH, where=_splits)
        by_seed: dict[int, float] = {}
        for seed in {seed for row in table.values() for seed in row}:
            mine = [row[seed] for row in table.values() if seed in row]
            whole = [run for run in mine if not _ended_early(run)]
            stopped = [run for run in mine if _ended_early(run)]
            if whole and stopped:
                by_seed[seed] = float(np.mean([measure(whole[0], run) for run in stopped]))
        if not by_seed:
            raise NotMeasurableError(
                "It needs runs that early stopping ended and, with the same validation split, one "
                "that it did not end, as the preset 'early-stopping-validation'."
            )
        return by_seed

    return found


def _recovered(whole: RunResult, stopped: RunResult) -> float:
    loss = whole.curves["test_loss"]
    rise = float(loss[-1] - loss.min())
    return float(loss[-1] - _kept_loss(stopped)) / rise if rise else 0.0


def _time(whole: RunResult, stopped: RunResult) -> float:
    return float(stopped.curves["epoch"][-1] / whole.curves["epoch"][-1])


def _on_training(runs: Runs) -> Runs:
    found = []
    for table in tables([run for run in runs if _splits(run)], PATH):
        for row in table.values():
            for seed, run in row.items():
                whole = [each[seed] for each in table.values() if seed in each]
                whole = [each for each in whole if not _ended_early(each)]
                found.append(_cut(run, whole[0]) if whole and _ended_early(run) else run)
    return found


def _cut(run: RunResult, whole: RunResult) -> RunResult:
    curves = {name: column[:-1] for name, column in whole.curves.items()}
    return replace(run, curves={**curves, "validation_loss": curves["train_loss"]})


TRAINING = Control("stopped by the train loss, one evaluation before the end", _on_training)
CLAIMS = (
    SECTION.claim(
        "near-oracle",
        "Stopping by the loss on held-out images avoids most of the rise of the test loss that a "
        "stop at its minimum would avoid.",
        "share of the final test loss's rise above its minimum that is avoided, mean over patience",
        above(0.5, '"Most" is more than half.', most=1.0),
        _by_seed(_recovered),
        TRAINING,
    ),
    SECTION.claim(
        "saves-time",
        "It takes less than half of the training time.",
        "epochs trained as a share of those without a stop, mean over patience",
        below(0.5, '"Less than half", as the statement says.', most=1.0),
        _by_seed(_time),
        TRAINING,
    ),
)
