"""Claims about Adam + L2 against AdamW, and about proximal L1."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reglab.core.claims.base import PerSeed, Runs, Section
from reglab.core.claims.controls import method_off, untrained
from reglab.core.claims.regions import above, within
from reglab.core.claims.select import Floats, family, held_out_minimum, over_sweep, pairs
from reglab.core.claims.weight_decay import final
from reglab.core.errors import NotMeasurableError
from reglab.core.metrics.weights import share_up_to
from reglab.core.results import RunResult

ADAMW = Section("Adam + L2 against AdamW", "adamw", ("adamw",))
PROXIMAL = Section("Proximal L1", "proximal", ("proximal-l1",))
L2, DECOUPLED = "regularization.l2", "optimizer.decoupled"
L1, METHOD = "regularization.l1", "regularization.l1_method"
SAME_ACCURACY = 0.01


def _adam(run: RunResult) -> bool:
    return run.spec.optimizer.name == "adam" and run.spec.regularization.l2 > 0


def _sides(runs: Runs) -> dict[bool, tuple[Floats, dict[int, Floats]]]:
    """By decoupled: lambdas, and test losses over them by seed."""
    table = family(runs, L2, DECOUPLED, where=_adam)
    found = {}
    for decoupled in (False, True):
        side = {key[:1]: row for key, row in table.items() if key[1] is decoupled}
        if len(side) < 2:
            raise NotMeasurableError(
                "It needs Adam with several values of regularization.l2 above zero, decoupled and "
                "not, as the preset 'adamw'."
            )
        found[decoupled] = over_sweep(side, lambda run: final(run, "test_loss"))
    return found


def _ratio_of_best(runs: Runs) -> PerSeed:
    sides = _sides(runs)
    (coupled, losses), (decoupled, others) = sides[False], sides[True]
    return {
        seed: float(np.log10(decoupled[others[seed].argmin()] / coupled[losses[seed].argmin()]))
        for seed in losses
        if seed in others
    }


def _gain_at_best(runs: Runs) -> PerSeed:
    sides = _sides(runs)
    (_, coupled), (_, decoupled) = sides[False], sides[True]
    chosen, others = held_out_minimum(coupled), held_out_minimum(decoupled)
    return {
        seed: float(coupled[seed][chosen[seed]] - decoupled[seed][others[seed]])
        for seed in chosen
        if seed in others
    }


def exact_zeros(run: RunResult) -> float:
    """Share of all weights, biases left out, that are exactly zero."""
    return share_up_to(run.weights(), 0)


def _difference(measure: Callable[[RunResult], float]) -> Callable[[Runs], PerSeed]:
    """Proximal minus subgradient, at the middle lambda."""

    def by_seed(runs: Runs) -> PerSeed:
        table = family(runs, L1, METHOD, where=lambda run: run.spec.regularization.l1 > 0)
        strengths = sorted({key[0] for key in table})
        common = [
            value
            for value in strengths
            if (value, "proximal") in table and (value, "subgradient") in table
        ]
        if not common:
            raise NotMeasurableError(
                "It needs L1 decay with both values of regularization.l1_method, as the preset "
                "'proximal-l1'."
            )
        at = common[len(common) // 2]
        sides = pairs(table[at, "subgradient"], table[at, "proximal"])
        return {seed: measure(new) - measure(old) for seed, (old, new) in sides.items()}

    return by_seed


CLAIMS = (
    ADAMW.claim(
        "other-strength",
        "AdamW is best with a lambda more than ten times that of Adam + L2.",
        "log10 ratio of the lambdas of least test loss",
        above(1.0, "More than a factor of ten, the step of the preset's sweep."),
        _ratio_of_best,
        method_off(DECOUPLED, False),
    ),
    ADAMW.claim(
        "better-at-best",
        "With the best lambda of either, AdamW ends with a lower test loss than Adam + L2.",
        "test loss of Adam + L2 minus that of AdamW, at lambdas chosen on the other seeds, nats",
        above(0.0),
        _gain_at_best,
        method_off(DECOUPLED, False),
    ),
    PROXIMAL.claim(
        "exact-zeros",
        "The soft threshold leaves most weights exactly zero where subgradients leave hardly any.",
        "share of weights that are exactly zero, proximal minus subgradient, middle lambda",
        above(0.5, '"Most" is more than half.', most=1.0),
        _difference(exact_zeros),
        method_off(METHOD, "subgradient"),
    ),
    PROXIMAL.claim(
        "same-accuracy",
        "Both L1 methods give the same test accuracy.",
        "final test accuracy, proximal minus subgradient, middle lambda",
        within(-SAME_ACCURACY, SAME_ACCURACY, "One test point in a hundred."),
        _difference(lambda run: final(run, "test_accuracy")),
        untrained(
            lambda run: run.spec.regularization.l1_method == "proximal",
            "the proximal network before training",
        ),
    ),
)
