"""Claims about dropout on two moons that overlap."""

from __future__ import annotations

import numpy as np

from reglab.core.claims.base import Control, PerSeed, Runs, Section
from reglab.core.claims.complexity import boundary_length, instance_lengths
from reglab.core.claims.controls import changed, method_off, tables, with_arrays
from reglab.core.claims.regions import above, below, within
from reglab.core.claims.select import family, pairs
from reglab.core.claims.weight_decay import final
from reglab.core.engine import Network
from reglab.core.errors import NotMeasurableError
from reglab.core.probes.boundary import Grid
from reglab.core.results import RunResult

SECTION = Section("Dropout", "dropout", ("dropout",))
DROPOUT = "regularization.dropout"
# Points per side on which the control's networks are drawn: a request must not wait for more.
POINTS = 80


def _sides(runs: Runs) -> dict[int, tuple[RunResult, RunResult]]:
    """Run without dropout, and with the most of it, of each seed."""
    table = family(
        runs,
        DROPOUT,
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
        found[seed] = float(np.mean((instances.mean(axis=0) > 0.5) == whole))
    return found


def _instances_against_plain(runs: Runs) -> PerSeed:
    sides, found = _sides(runs), {}
    for seed, run in _with_instances(runs).items():
        single, plain = np.mean(instance_lengths(run)), boundary_length(sides[seed][0])
        if single and plain:
            found[seed] = float(np.log10(single / plain))
    return found


def _whole(run: RunResult) -> RunResult:
    if "boundary.dropout" not in run.arrays:
        return run
    return with_arrays(run, {"boundary.dropout": run.arrays["boundary.p"][None]})


def _dropped_at_inference(runs: Runs) -> Runs:
    """The runs with dropout have the network without it, and its instances with dropout on."""
    found: list[RunResult] = []
    for table in tables(runs, DROPOUT):
        plain = table.get(0.0, {})
        for value, row in table.items():
            found += [
                _with_dropout_on(run, plain[seed], value) if value else run
                for seed, run in row.items()
                if seed in plain
            ]
    return found


def _with_dropout_on(run: RunResult, plain: RunResult, p: float) -> RunResult:
    probe = run.spec.probes.boundary
    if probe is None or "boundary.dropout" not in run.arrays:
        return run
    if "param.W0" not in plain.arrays:
        raise NotMeasurableError("It needs the parameters of the network without dropout.")
    x, y, whole = (plain.arrays[f"boundary.{name}"] for name in ("x", "y", "p"))
    step = max(1, len(x) // POINTS)
    grid = Grid(x[::step], y[::step])
    network = Network.from_arrays(plain.spec.widths(), plain.spec.model.activation, plain.arrays)
    instances = [
        grid.dropout_probability(network, p, run.seed, at) for at in range(probe.dropout_instances)
    ]
    coarse = {"x": grid.x, "y": grid.y, "p": whole[::step, ::step], "dropout": np.stack(instances)}
    return with_arrays(run, {f"boundary.{name}": array for name, array in coarse.items()})


AT_INFERENCE = Control("dropout in inference alone, not in training", _dropped_at_inference)


CLAIMS = (
    SECTION.claim(
        "test-loss",
        "On moons that overlap, dropout ends with a lower test loss.",
        "final test loss without minus with dropout, nats",
        above(0.0),
        _loss_gain,
        method_off(DROPOUT),
    ),
    SECTION.claim(
        "test-accuracy",
        "On moons that overlap, dropout ends with a higher test accuracy.",
        "final test accuracy with minus without dropout",
        above(0.0),
        _accuracy_gain,
        method_off(DROPOUT),
    ),
    SECTION.claim(
        "smooths",
        "The network trained with dropout has the smoother decision boundary.",
        "length of the line p = 1/2 in the plotted square with minus without dropout, data units",
        below(0.0),
        _length_difference,
        method_off(DROPOUT),
    ),
    SECTION.claim(
        "instances-rougher",
        "Single networks of the dropout ensemble have rougher boundaries than the whole network.",
        "mean length of the line p = 1/2 with dropout on minus that with dropout off, data units",
        above(0.0),
        _instances_longer,
        AT_INFERENCE,
    ),
    SECTION.claim(
        "averages",
        "The whole network decides as the average of its single networks does, also of a few.",
        "share of the plotted square on which the mean of the stored instances agrees with the "
        "whole network",
        above(0.9, "Nine tenths of the square; where they differ, both are unsure.", most=1.0),
        _averaging,
        AT_INFERENCE,
    ),
    SECTION.claim(
        "instances-as-rough",
        "Single networks of the dropout ensemble are as rough as a network without dropout.",
        "log10 ratio of the mean length of the line p = 1/2 with dropout on to that of the network "
        "without dropout",
        within(-0.1, 0.1, "A quarter more, or a fifth less."),
        _instances_against_plain,
        changed("the whole network in place of its single ones", _whole),
    ),
)
