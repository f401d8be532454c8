"""The claim that small batches regularize."""

from __future__ import annotations

from reglab.core.claims.base import PerSeed, Runs, Section
from reglab.core.claims.controls import LEAST, method_off
from reglab.core.claims.regions import below
from reglab.core.claims.select import family, over_sweep, rank_correlation
from reglab.core.errors import NotMeasurableError
from reglab.core.metrics.curves import late_mean
from reglab.core.results import RunResult

SECTION = Section("Batch size", "batch-size", ("batch-size",))
PATH = "training.batch_size"


def late_accuracy(run: RunResult) -> float:
    """Test accuracy, mean over the last tenth of the evaluations."""
    return late_mean(run.curves["test_accuracy"])


def _trend(runs: Runs) -> PerSeed:
    values, found = over_sweep(family(runs, PATH), late_accuracy)
    if len(values) < 4:
        raise NotMeasurableError(
            "It needs at least 4 values of training.batch_size, as 'batch-size'."
        )
    return rank_correlation(values, found)


CLAIMS = (
    SECTION.claim(
        "small-is-accurate",
        "With a fixed learning rate and number of epochs, smaller batches give a higher test "
        "accuracy.",
        "Spearman's rho of late test accuracy with the batch size",
        below(-0.5, "Cohen (1988) calls a correlation of 0.5 large.", most=1.0),
        _trend,
        method_off(PATH, LEAST, "the smallest batch everywhere"),
    ),
)
