"""Claims about L2 and L1 weight decay on two moons with flipped labels."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from reglab.core.claims.base import Claim, PerSeed, Runs, Section
from reglab.core.claims.complexity import boundary_length, contour_width
from reglab.core.claims.controls import method_off, other_arm
from reglab.core.claims.regions import above, below
from reglab.core.claims.select import (
    Family,
    Floats,
    Key,
    family,
    over_sweep,
    pairs,
    rank_correlation,
)
from reglab.core.errors import NotMeasurableError
from reglab.core.metrics.predictions import top_label
from reglab.core.results import RunResult

L2, L1 = "regularization.l2", "regularization.l1"


def flipped_moons(run: RunResult) -> bool:
    """Whether a run is on two moons with flipped labels and has a boundary."""
    dataset = run.spec.dataset
    return (
        dataset.name == "two_moons"
        and dataset.label_flip > 0
        and run.spec.model.loss == "cross_entropy"
        and run.spec.probes.boundary is not None
    )


def sweep_of(path: str, runs: Runs) -> Family:
    """Runs over the strength of one decay, without the other; raises NotMeasurableError."""
    other = L1 if path == L2 else L2
    chosen = [run for run in runs if getattr(run.spec.regularization, other.split(".")[1]) == 0]
    table = family(chosen, path, where=flipped_moons)
    if (0.0,) not in table or len(table) < 2:
        preset = path.split(".")[1]
        raise NotMeasurableError(
            f"It needs runs on two moons with flipped labels and a boundary probe, with {path} = 0 "
            f"and at least one other value, as the preset '{preset}'."
        )
    return table


def ends_of(path: str, runs: Runs) -> tuple[Family, Key, Key]:
    """The sweep, its mildest strength above zero and its strongest."""
    table = sweep_of(path, runs)
    strengths = sorted(key for key in table if key[0] > 0)
    return table, strengths[0], strengths[-1]


def final(run: RunResult, metric: str) -> float:
    """A metric of the network that was kept."""
    return run.ending(metric)


def confidence(run: RunResult) -> float:
    """Mean confidence on the test set."""
    return float(top_label(run.logits(), run.labels())[0].mean())


def _accuracy_gain(path: str, runs: Runs) -> PerSeed:
    table, mildest, _ = ends_of(path, runs)
    return {
        seed: final(mild, "test_accuracy") - final(plain, "test_accuracy")
        for seed, (plain, mild) in pairs(table[(0.0,)], table[mildest]).items()
    }


def _loss_gain(path: str, runs: Runs) -> PerSeed:
    table, mildest, _ = ends_of(path, runs)
    return {
        seed: final(plain, "test_loss") - final(mild, "test_loss")
        for seed, (plain, mild) in pairs(table[(0.0,)], table[mildest]).items()
    }


def _too_strong(path: str, runs: Runs) -> PerSeed:
    table, mildest, strongest = ends_of(path, runs)
    if mildest == strongest:
        raise NotMeasurableError(f"It needs at least two values of {path} above zero.")
    return {
        seed: final(mild, "test_accuracy") - final(strong, "test_accuracy")
        for seed, (mild, strong) in pairs(table[mildest], table[strongest]).items()
    }


def _plain(measure: Callable[[RunResult], float], path: str, runs: Runs) -> PerSeed:
    return {seed: measure(run) for seed, run in sweep_of(path, runs)[(0.0,)].items()}


def over_strengths(
    measure: Callable[[RunResult], float], path: str, runs: Runs
) -> tuple[Floats, dict[int, Floats]]:
    """The strengths (V,), at least four, and the measure at each by seed."""
    values, found = over_sweep(sweep_of(path, runs), measure)
    if len(values) < 4:
        raise NotMeasurableError(
            f"A trend needs at least 4 values of {path}; here are {len(values)}."
        )
    return values, found


def _trend(measure: Callable[[RunResult], float], path: str, runs: Runs) -> PerSeed:
    return rank_correlation(*over_strengths(measure, path, runs))


def _fitted_flips(run: RunResult) -> float:
    """Every other label may be fitted, too: what exceeds their share are flipped ones."""
    dataset = run.spec.dataset
    if run.spec.validation_count():
        raise NotMeasurableError("It needs all training labels: a validation split takes some.")
    expected = getattr(dataset, "label_flip", 0.0) * dataset.n_train
    flipped = run.summary.get("provenance", {}).get("flipped", expected) / dataset.n_train
    if not flipped:
        raise NotMeasurableError("It needs flipped labels: dataset.label_flip above 0.")
    return float((final(run, metric="train_accuracy") - (1 - flipped)) / flipped)


def _saturated(run: RunResult) -> float:
    """Share of the plane where the network is at least 95 % sure."""
    p = run.arrays["boundary.p"]
    return float(np.mean(np.maximum(p, 1 - p) >= 0.95))


def _claims(path: str, symbol: str) -> tuple[Claim, ...]:
    kind = path.split(".")[1]
    section = Section(f"{kind.upper()} weight decay", kind, (kind,))
    return (
        section.claim(
            "test-accuracy",
            f"With a tenth of the labels flipped, the mildest {kind.upper()} decay tests more "
            "accurate than none.",
            f"final test accuracy at the least {symbol} > 0 minus that at {symbol} = 0",
            above(0.0),
            partial(_accuracy_gain, path),
            method_off(path),
        ),
        section.claim(
            "test-loss",
            f"The mildest {kind.upper()} decay ends with a lower test loss than none.",
            f"final test loss at {symbol} = 0 minus that at the least {symbol} > 0, nats",
            above(0.0),
            partial(_loss_gain, path),
            method_off(path),
        ),
        section.claim(
            "confidence-falls",
            f"The stronger the {kind.upper()} decay, the less confident the predictions.",
            f"Spearman's rho of mean test confidence with {symbol}",
            below(
                -0.9, "Of nine strengths, two neighbours that are exchanged leave 0.983.", most=1.0
            ),
            partial(_trend, confidence, path),
            method_off(path),
            kind="sanity",
        ),
        section.claim(
            "boundary-simplifies",
            f"The stronger the {kind.upper()} decay, the simpler the decision boundary.",
            f"Spearman's rho of the length of the line p = 1/2 in the plotted square with {symbol}",
            below(-0.5, "Cohen (1988) calls a correlation of 0.5 large.", most=1.0),
            partial(_trend, boundary_length, path),
            method_off(path),
        ),
        section.claim(
            "contours-spread",
            f"The stronger the {kind.upper()} decay, the farther apart the probability contours.",
            "Spearman's rho of the mean width of the band 0.1 < p < 0.9 (area over length of the "
            f"line p = 1/2) with {symbol}",
            above(
                0.9,
                "The article's word is that contours get more widely spaced as the strength "
                "rises: with 0.9 hardly any step of nine goes the other way.",
                most=1.0,
            ),
            partial(_trend, contour_width, path),
            method_off(path),
        ),
        section.claim(
            "too-strong",
            f"The strongest {kind.upper()} decay of the sweep separates the moons worse than the "
            "mildest.",
            f"final test accuracy at the least {symbol} > 0 minus that at the largest",
            above(0.0),
            partial(_too_strong, path),
            method_off(path),
        ),
    )


PLAIN = Section("No weight decay", "plain", ("l2",))

CLAIMS = (
    PLAIN.claim(
        "fits-flips",
        "Without decay the network bends its boundary around the flipped labels until it fits "
        "nearly all of them.",
        "share of the flipped labels that the network fits at no decay, at least: final train "
        "accuracy beyond that of the labels as they were, over the share that is flipped",
        above(0.5, "It fits more than half of them.", most=1.0),
        partial(_plain, _fitted_flips, L2),
        other_arm(L2),
    ),
    PLAIN.claim(
        "saturated",
        "Without decay the network is nearly certain almost everywhere.",
        "share of the plotted square where the network is at least 95 % sure",
        above(0.9, 'The article says "essentially either 0 or 1": nine tenths.', most=1.0),
        partial(_plain, _saturated, L2),
        other_arm(L2),
    ),
    *_claims(L2, "λ₂"),
    *_claims(L1, "λ₁"),
)
