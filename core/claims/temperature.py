"""Claims about temperature scaling."""

from __future__ import annotations

import numpy as np

from reglab.core.claims.base import PerSeed, Runs, Section, above
from reglab.core.claims.select import Family, family, held_out_minimum, over_sweep, pairs
from reglab.core.errors import NotMeasurableError
from reglab.core.probes import calibration
from reglab.core.probes.temperature import fit_temperature, nll
from reglab.core.results import RunResult

SECTION = Section("Temperature scaling", "temperature", ("temperature-scaling",))
PATH = "regularization.label_smoothing"


def _validation(run: RunResult) -> bool:
    return run.spec.probes.temperature is not None


def _table(runs: Runs) -> Family:
    table = family(runs, PATH, where=_validation)
    if (0.0,) not in table:
        raise NotMeasurableError(
            "It needs runs with a temperature probe, one of them without label smoothing, as the "
            "preset 'temperature-scaling'."
        )
    return table


def _split(run: RunResult) -> tuple[np.ndarray, np.ndarray]:
    labels = np.asarray(run.arrays["validation.labels"], np.int64)
    return run.arrays["validation.logits"], labels


def _ece(run: RunResult, scaled: bool) -> float:
    t = fit_temperature(*_split(run)) if scaled else 1.0
    logits = (run.logits() / t).astype(np.float32)
    confidence, right = calibration.top_label(logits, run.labels())
    return calibration.expected_error(calibration.reliability(confidence, right, 15, "quantile"))


def _gain(runs: Runs) -> PerSeed:
    plain = _table(runs)[(0.0,)]
    return {seed: _ece(run, False) - _ece(run, True) for seed, run in plain.items()}


def _against_smoothing(runs: Runs) -> PerSeed:
    table = _table(runs)
    smoothed = {key: row for key, row in table.items() if key[0] > 0}
    if not smoothed:
        raise NotMeasurableError(f"It needs a value of {PATH} above zero.")
    values, losses = over_sweep(smoothed, lambda run: nll(*_split(run)))
    best = {seed: (float(values[at]),) for seed, at in held_out_minimum(losses).items()}
    found = {}
    for seed, key in best.items():
        for scaled, trained in pairs(table[(0.0,)], {seed: smoothed[key][seed]}).values():
            found[seed] = _ece(trained, False) - _ece(scaled, True)
    return found


CLAIMS = (
    SECTION.claim(
        "calibrates",
        "Dividing the logits by a temperature fitted on held-out images calibrates the network.",
        "ECE on the test set as trained minus that after scaling, without label smoothing",
        above(0.0),
        _gain,
    ),
    SECTION.claim(
        "beats-smoothing",
        "It calibrates better than the label smoothing that held-out images choose.",
        "ECE with the smoothing of least validation NLL on the other seeds minus that after "
        "scaling",
        above(0.0),
        _against_smoothing,
    ),
)
