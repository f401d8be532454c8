"""Claims about how sparse L1 decay leaves the weights, by an absolute cut and without a scale."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from reglab.core.claims.base import PerSeed, Runs, Section
from reglab.core.claims.controls import method_off
from reglab.core.claims.regions import above
from reglab.core.claims.select import Family, family, pairs
from reglab.core.claims.weight_decay import L1, L2, flipped_moons, sweep_of
from reglab.core.errors import NotMeasurableError
from reglab.core.metrics.weights import hoyer, participation, share_of_largest, share_up_to
from reglab.core.results import RunResult

BOTH = Section("L1 against L2", "sparsity", ("l2", "l1"))
ALONE = Section("L1 weight decay", "sparsity", ("l1",))
ZERO, SMALL, RELATIVE = 1e-3, 0.1, 0.01
HIDDEN = "param.W1"


def sparsity(run: RunResult) -> float:
    """Share of the weights between the hidden layers of at most 0.001 in magnitude."""
    return share_up_to([run.arrays[HIDDEN]], ZERO)


def _zero_of_small(run: RunResult) -> float:
    small = share_up_to([run.arrays[HIDDEN]], SMALL)
    return sparsity(run) / small if small else 0.0


def _second_mildest(table: Family, at: int) -> dict[int, RunResult]:
    other = 1 - at
    strengths = sorted(key for key in table if key[at] > 0 and key[other] == 0)
    if not strengths:
        raise NotMeasurableError(
            "It needs two experiments on the same data, with L2 and with L1 decay and two hidden "
            "layers: draw on both together, as of the presets 'l2' and 'l1'."
        )
    return table[strengths[min(1, len(strengths) - 1)]]


def _two_hidden(run: RunResult) -> bool:
    return flipped_moons(run) and len(run.spec.model.hidden) > 1


def _difference(measure: Callable[[RunResult], float], runs: Runs) -> PerSeed:
    """Under L1 decay minus under L2 decay."""
    table = family(runs, L2, L1, where=_two_hidden)
    sides = pairs(_second_mildest(table, 0), _second_mildest(table, 1))
    return {seed: measure(l1) - measure(l2) for seed, (l2, l1) in sides.items()}


def _under_l1(measure: Callable[[RunResult], float], runs: Runs) -> PerSeed:
    table = {key: row for key, row in sweep_of(L1, runs).items() if key[0] > 0}
    runs_at = table[sorted(table)[min(1, len(table) - 1)]]
    if any(len(run.spec.model.hidden) < 2 for run in runs_at.values()):
        raise NotMeasurableError("It needs at least two hidden layers.")
    return {seed: measure(run) for seed, run in runs_at.items()}


AT = "at the second least λ₁ minus that at the second least λ₂"
CLAIMS = (
    BOTH.claim(
        "l1-over-l2",
        "L1 decay leaves far fewer hidden weights than L2 decay.",
        f"share of the hidden weights with |w| <= {ZERO:g} {AT}",
        above(0.5, '"Far fewer" is read as at least half of all weights.', most=1.0),
        partial(_difference, sparsity),
        method_off(L1),
    ),
    BOTH.claim(
        "relative-cut",
        "Measured against the largest of them, too, L1 decay leaves fewer hidden weights than L2.",
        f"share of the hidden weights of at most {RELATIVE:.0%} of the largest {AT}",
        above(0.0),
        partial(_difference, lambda run: share_of_largest(run.arrays[HIDDEN], RELATIVE)),
        method_off(L1),
    ),
    BOTH.claim(
        "hoyer",
        "By Hoyer's measure, which has no scale, hidden weights are sparser under L1 than under "
        "L2 decay.",
        f"Hoyer's sparsity of the hidden weights, from 0 (all equal) to 1 (a single one), {AT}",
        above(0.0),
        partial(_difference, lambda run: hoyer(run.arrays[HIDDEN])),
        method_off(L1),
    ),
    BOTH.claim(
        "participation",
        "By the participation ratio, fewer hidden weights take part under L1 than under L2 decay.",
        "participation ratio of the squared hidden weights, as a share of their number, at the "
        "second least λ₂ minus that at the second least λ₁",
        above(0.0),
        partial(_difference, lambda run: -participation(run.arrays[HIDDEN])),
        method_off(L1),
    ),
    ALONE.claim(
        "most-are-zero",
        "Under L1 decay most of the weights between the hidden layers are zero.",
        f"share of the hidden weights with |w| <= {ZERO:g} at the second least λ₁",
        above(0.5, '"Most" is more than half.', most=1.0),
        partial(_under_l1, sparsity),
        method_off(L1),
    ),
    ALONE.claim(
        "snaps",
        "Under L1 decay small weights snap to zero: hardly any lie between zero and the large "
        "ones.",
        f"of the hidden weights with |w| <= {SMALL:g}, the share with |w| <= {ZERO:g}, at the "
        "second least λ₁",
        above(0.95, '"Hardly any" is one in twenty.', most=1.0),
        partial(_under_l1, _zero_of_small),
        method_off(L1),
    ),
)
