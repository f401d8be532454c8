"""Claims about ensembles and Monte Carlo dropout."""

from __future__ import annotations

import numpy as np

from reglab.core.claims.base import Control, PerSeed, Runs, Section
from reglab.core.claims.controls import changed, tables, with_arrays, with_results
from reglab.core.claims.regions import above
from reglab.core.claims.select import Family, family
from reglab.core.errors import NotMeasurableError
from reglab.core.metrics import averages
from reglab.core.metrics.predictions import accuracy, probabilities
from reglab.core.results import RunResult
from reglab.core.results.comparison import differing_test_sets

SECTION = Section("Ensembles and MC dropout", "ensembles", ("ensembles",))
PATH, SCORES = "regularization.dropout", "mc_dropout.scores"


def _table(runs: Runs) -> Family:
    return family(runs, PATH, where=lambda run: run.spec.probes.mc_dropout is not None)


def _accuracy_of_the_others(runs: Runs) -> PerSeed:
    plain = _table(runs).get((0.0,), {})
    if len(plain) < 2:
        raise NotMeasurableError(
            "It needs several seeds without dropout and with probes.mc_dropout, as the preset "
            "'ensembles'."
        )
    first = next(iter(plain.values()))
    if any(differing_test_sets(first, run) for run in plain.values()):
        raise NotMeasurableError("Its networks were not tested on the same examples.")
    members = {seed: probabilities(run.logits()) for seed, run in plain.items()}
    labels = first.labels()
    total = np.sum(list(members.values()), axis=0)
    found = {}
    for seed, own in members.items():
        found[seed] = accuracy(total - own, labels) - accuracy(own, labels)
    return found


def _mc_gain(runs: Runs) -> PerSeed:
    dropped = {key: row for key, row in _table(runs).items() if key[0] > 0}
    if not dropped:
        raise NotMeasurableError(
            "It needs runs with dropout and probes.mc_dropout, as 'ensembles'."
        )
    at = averages.SCORES.index("nll")
    return {
        seed: averages.scores(probabilities(run.logits()), run.labels())[at]
        - float(run.arrays[SCORES][-1, at])
        for seed, run in dropped[max(dropped)].items()
    }


def _copies(runs: Runs) -> Runs:
    found = []
    for table in tables(runs, PATH):
        for row in table.values():
            found += [with_results(run, row[min(row)]) for run in row.values()]
    return found


def _without_masks(run: RunResult) -> RunResult:
    own = averages.scores(probabilities(run.logits()), run.labels())
    return with_arrays(run, {SCORES: np.array([own])})


CLAIMS = (
    SECTION.claim(
        "more-accurate",
        "The average of networks that differ in their seed is more accurate than a single one.",
        "test accuracy of the average of all other seeds minus that of this seed's network",
        above(0.0),
        _accuracy_of_the_others,
        Control("copies of one network", _copies),
    ),
    SECTION.claim(
        "mc-dropout-likelihood",
        "Averaging over dropout masks at inference gives more likely predictions than turning "
        "dropout off.",
        "test NLL with dropout off minus that of the average over masks, nats",
        above(0.0),
        _mc_gain,
        changed("masks that drop nothing", _without_masks),
    ),
)
