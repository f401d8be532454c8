"""Claims about dropout on two moons that overlap."""

from __future__ import annotations

import numpy as np

from reglab.core.claims.base import PerSeed, Runs, Section, above, below
from reglab.core.claims.complexity import boundary_length, instance_lengths
from reglab.core.claims.select import family, pairs
from reglab.core.claims.weight_decay import final
from reglab.core.errors import NotMeasurableError
from reglab.core.results import RunResult

SECTION = Section("Dropout", "dropout", ("dropout",))


def _sides(runs: Runs) -> dict[int, tuple[RunResult, RunResult]]:
    """Run without dropout, and with the most of it, of each seed."""
    table = family(
        runs,
        "regularization.dropout",
        where=lambda run: run.spec.probes.boundary is not None,
    )
    if (0.0,) not in table or len(table) < 2:
        raise NotMeasurableError(
            "It needs runs with and without dropout and a boundary probe, as the preset 'dropout'."
        )
    return pairs(table[(0.0,)], table[max(table)])


def _with_instances(runs: Runs) -> dict[int, RunResult]:
    found = {
        seed: run
        for seed, (_, run) in _sides(runs).items()
        if run.spec.probes.boundary and run.spec.probes.boundary.dropout_instances > 1
    }
    if not found:
        raise NotMeasurableError("It needs probes.boundary.dropout_instances of at least 2.")
    return found


def _loss_gain(runs: Runs) -> PerSeed:
    return {
        seed: final(plain, "test_loss") - final(dropped, "test_loss")
        for seed, (plain, dropped) in _sides(runs).items()
    }


def _accuracy_gain(runs: Runs) -> PerSeed:
    return {
        seed: final(dropped, "test_accuracy") - final(plain, "test_accuracy")
        for seed, (plain, dropped) in _sides(runs).items()
    }


def _length_difference(runs: Runs) -> PerSeed:
    return {
        seed: boundary_length(dropped) - boundary_length(plain)
        for seed, (plain, dropped) in _sides(runs).items()
    }


def _instances_longer(runs: Runs) -> PerSeed:
    return {
        seed: float(np.mean(instance_lengths(run))) - boundary_length(run)
        for seed, run in _with_instances(runs).items()
    }


def _averaging(runs: Runs) -> PerSeed:
    found = {}
    for seed, run in _with_instances(runs).items():
        instances, whole = run.arrays["boundary.dropout"], run.arrays["boundary.p"] > 0.5
        single = np.mean((instances > 0.5) == whole)
        together = np.mean((instances.mean(axis=0) > 0.5) == whole)
        found[seed] = float(together - single)
    return found


CLAIMS = (
    SECTION.claim(
        "test-loss",
        "On moons that overlap, dropout ends with a lower test loss.",
        "final test loss without minus with dropout, nats",
        above(0.0),
        _loss_gain,
    ),
    SECTION.claim(
        "test-accuracy",
        "On moons that overlap, dropout ends with a higher test accuracy.",
        "final test accuracy with minus without dropout",
        above(0.0),
        _accuracy_gain,
    ),
    SECTION.claim(
        "smooths",
        "The network trained with dropout has the smoother decision boundary.",
        "length of the line p = 1/2 in the plotted square with minus without dropout, data units",
        below(0.0),
        _length_difference,
    ),
    SECTION.claim(
        "instances-rougher",
        "Single networks of the dropout ensemble have rougher boundaries than the whole network.",
        "mean length of the line p = 1/2 with dropout on minus that with dropout off, data units",
        above(0.0),
        _instances_longer,
    ),
    SECTION.claim(
        "averages",
        "The whole network decides as the average of its single networks does: the average of a "
        "few already agrees with it more than one does.",
        "share of the plane on which the mean of the stored instances agrees with the whole "
        "network, minus the mean share of single ones",
        above(0.0),
        _averaging,
    ),
)
