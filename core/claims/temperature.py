"""Claims about temperature scaling."""

from __future__ import annotations

from reglab.core.claims.base import PerSeed, Runs, Section
from reglab.core.claims.controls import changed, with_arrays
from reglab.core.claims.regions import above
from reglab.core.claims.select import Family, family, held_out_minimum, over_sweep, pairs
from reglab.core.errors import NotMeasurableError
from reglab.core.metrics import reliability
from reglab.core.metrics.predictions import mean_nll
from reglab.core.metrics.temperature import fit_temperature, scaled
from reglab.core.results import RunResult

SECTION = Section("Temperature scaling", "temperature", ("temperature-scaling",))
PATH = "regularization.label_smoothing"
BINS = 15


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


def _ece(run: RunResult, t: float = 1.0) -> float:
    logits = scaled(run.logits(), t)
    return reliability.expected_error(reliability.table_of(logits, run.labels(), BINS, "quantile"))


def _scaled_ece(run: RunResult) -> float:
    return _ece(run, fit_temperature(*run.validation()))


def _gain(runs: Runs) -> PerSeed:
    plain = _table(runs)[(0.0,)]
    return {seed: _ece(run) - _scaled_ece(run) for seed, run in plain.items()}


def _against_smoothing(runs: Runs) -> PerSeed:
    table = _table(runs)
    smoothed = {key: row for key, row in table.items() if key[0] > 0}
    if not smoothed:
        raise NotMeasurableError(f"It needs a value of {PATH} above zero.")
    values, losses = over_sweep(smoothed, lambda run: mean_nll(*run.validation()))
    best = {seed: (float(values[at]),) for seed, at in held_out_minimum(losses).items()}
    found = {}
    for seed, key in best.items():
        for plain, trained in pairs(table[(0.0,)], {seed: smoothed[key][seed]}).values():
            found[seed] = _ece(trained) - _scaled_ece(plain)
    return found


def _next_class(run: RunResult) -> RunResult:
    if "validation.labels" not in run.arrays:
        return run
    logits, labels = run.validation()
    return with_arrays(run, {"validation.labels": (labels + 1) % logits.shape[1]})


WRONG_LABELS = changed("held-out labels that are all wrong", _next_class)
CLAIMS = (
    SECTION.claim(
        "calibrates",
        "Dividing the logits by a temperature fitted on held-out images calibrates the network.",
        "ECE on the test set as trained minus that after scaling, without label smoothing",
        above(0.0),
        _gain,
        WRONG_LABELS,
    ),
    SECTION.claim(
        "beats-smoothing",
        "It calibrates better than the label smoothing that held-out images choose.",
        "ECE with the smoothing of least validation NLL on the other seeds minus that after "
        "scaling",
        above(0.0),
        _against_smoothing,
        WRONG_LABELS,
    ),
)
