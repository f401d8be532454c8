"""Claims that training follows a law: linear models, and the balance of ReLU layers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reglab.core.claims.base import PerSeed, Runs, Section
from reglab.core.claims.controls import changed, other_arm, with_arrays
from reglab.core.claims.laws import deviation, follows_closed_form, is_plain_descent, law_deviation
from reglab.core.claims.regions import above, below
from reglab.core.errors import NotMeasurableError
from reglab.core.results import RunResult

LINEAR = Section("Linear model by principal component", "linear", ("linear-spectrum",))
ACTIVATION = "model.activation"
TANH_IN_PLACE = other_arm(ACTIVATION, "relu", "the tanh networks in place of the ReLU ones")
RELU_IN_PLACE = other_arm(ACTIVATION, "tanh", "the ReLU networks in place of the tanh ones")
RELU = Section("ReLU scale invariance", "relu", ("relu-scale",))


def _linear(runs: Runs) -> PerSeed:
    usable = [run for run in runs if "components.error" in run.arrays and follows_closed_form(run)]
    if not usable:
        raise NotMeasurableError(
            "It needs a linear model with squared loss on centred inputs, full-batch SGD at a "
            "constant rate and probes.components, as the preset 'linear-spectrum'."
        )
    return _worst(usable, deviation)


def _half_eigenvalues(run: RunResult) -> RunResult:
    name = "components.eigenvalues"
    return with_arrays(run, {name: run.arrays[name] / 2}) if name in run.arrays else run


def _norms(activation: str, measure: Callable[[RunResult], float]) -> Callable[[Runs], PerSeed]:
    def by_seed(runs: Runs) -> PerSeed:
        usable = [
            run
            for run in runs
            if run.spec.probes.norms is not None
            and run.spec.model.activation == activation
            and len(run.spec.model.hidden) == 1
            and is_plain_descent(run.spec)
        ]
        if not usable:
            raise NotMeasurableError(
                f"It needs {activation} networks with one hidden layer, SGD and probes.norms, as "
                "the preset 'relu-scale'."
            )
        return _worst(usable, measure)

    return by_seed


def _worst(runs: Runs, measure: Callable[[RunResult], float]) -> PerSeed:
    found: dict[int, float] = {}
    for run in runs:
        found[run.seed] = max(found.get(run.seed, 0.0), measure(run))
    return found


def _change(run: RunResult) -> float:
    return float(np.max(run.arrays["norms.change"]))


CLAIMS = (
    LINEAR.claim(
        "closed-form",
        "A linear model's error along each principal component falls as (1 - lr lambda_k)^t.",
        "largest relative deviation over components and times, where a thousandth is left",
        below(0.01, "Float32 outputs, where a thousandth of the error is left."),
        _linear,
        changed("the law of half the eigenvalues", _half_eigenvalues),
        kind="sanity",
    ),
    RELU.claim(
        "outputs-stay",
        "Scaling one ReLU layer by c and the next by 1/c leaves the outputs as they were.",
        "largest change of an output for c from 0.1 to 10, as a share of the largest output",
        below(1e-4, "Float32 rounding of outputs after two layers."),
        _norms("relu", _change),
        TANH_IN_PLACE,
        kind="sanity",
    ),
    RELU.claim(
        "balance",
        "Weight decay balances two ReLU layers: |W0|^2 + |b0|^2 - |W1|^2 falls as "
        "exp(-2 lr lambda t).",
        "largest deviation from the law over time and lambda, as a share of the start",
        below(0.02, "The law is of gradient flow; steps of finite length deviate by lr * lambda."),
        _norms("relu", law_deviation),
        TANH_IN_PLACE,
    ),
    RELU.claim(
        "tanh-does-not",
        "A tanh network follows no such law.",
        "the same deviation of tanh networks",
        above(0.02, "What is called following the law of ReLU networks."),
        _norms("tanh", law_deviation),
        RELU_IN_PLACE,
    ),
)
