"""Claims about L2 and L1 weight decay on two moons with flipped labels."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from reglab.core.claims.base import Claim, PerSeed, Runs, Section
from reglab.core.claims.complexity import boundary_length, contour_width
from reglab.core.claims.controls import method_off, other_arm
from reglab.core.claims.regions import above, below
from reglab.core.claims.select import Family, Key, family, over_sweep, pairs, rank_correlation
from reglab.core.errors import NotMeasurableError
from reglab.core.metrics.predictions import top_label
from reglab.core.metrics.weights import share_up_to
from reglab.core.results import RunResult

L2, L1 = "regularization.l2", "regularization.l1"
ZERO = 1e-3
HIDDEN = "param.W1"


def _flipped_moons(run: RunResult) -> bool:
    dataset = run.spec.dataset
    return (
        dataset.name == "two_moons"
        and dataset.label_flip > 0
        and run.spec.model.loss == "cross_entropy"
        and run.spec.probes.boundary is not None
    )


def _sweep(path: str, runs: Runs) -> Family:
    other = L1 if path == L2 else L2
    chosen = [run for run in runs if getattr(run.spec.regularization, other.split(".")[1]) == 0]
    table = family(chosen, path, where=_flipped_moons)
    if (0.0,) not in table or len(table) < 2:
        preset = path.split(".")[1]
        raise NotMeasurableError(
            f"It needs runs on two moons with flipped labels and a boundary probe, with {path} = 0 "
            f"and at least one other value, as the preset '{preset}'."
        )
    return table


def _ends(path: str, runs: Runs) -> tuple[Family, Key, Key]:
    """The sweep, its mildest strength above zero and its strongest."""
    table = _sweep(path, runs)
    strengths = sorted(key for key in table if key[0] > 0)
    return table, strengths[0], strengths[-1]


def final(run: RunResult, metric: str) -> float:
    """A metric of the network that was kept."""
    return run.ending(metric)


def confidence(run: RunResult) -> float:
    """Mean confidence on the test set."""
    return float(top_label(run.logits(), run.labels())[0].mean())


def _accuracy_gain(path: str, runs: Runs) -> PerSeed:
    table, mildest, _ = _ends(path, runs)
    return {
        seed: final(mild, "test_accuracy") - final(plain, "test_accuracy")
        for seed, (plain, mild) in pairs(table[(0.0,)], table[mildest]).items()
    }


def _loss_gain(path: str, runs: Runs) -> PerSeed:
    table, mildest, _ = _ends(path, runs)
    return {
        seed: final(plain, "test_loss") - final(mild, "test_loss")
        for seed, (plain, mild) in pairs(table[(0.0,)], table[mildest]).items()
    }


def _too_strong(path: str, runs: Runs) -> PerSeed:
    table, mildest, strongest = _ends(path, runs)
    if mildest == strongest:
        raise NotMeasurableError(f"It needs at least two values of {path} above zero.")
    return {
        seed: final(mild, "test_accuracy") - final(strong, "test_accuracy")
        for seed, (mild, strong) in pairs(table[mildest], table[strongest]).items()
    }


def _plain(measure: Callable[[RunResult], float], path: str, runs: Runs) -> PerSeed:
    return {seed: measure(run) for seed, run in _sweep(path, runs)[(0.0,)].items()}


def _trend(measure: Callable[[RunResult], float], path: str, runs: Runs) -> PerSeed:
    values, found = over_sweep(_sweep(path, runs), measure)
    if len(values) < 4:
        raise NotMeasurableError(
            f"A trend needs at least 4 values of {path}; here are {len(values)}."
        )
    return rank_correlation(values, found)


def _fitted_flips(run: RunResult) -> float:
    """Every other label may be fitted, too: what exceeds their share are flipped ones."""
    dataset = run.spec.dataset
    if run.spec.validation_count():
        raise NotMeasurableError("It needs all training labels: a validation split takes some.")
    expected = getattr(dataset, "label_flip", 0.0) * dataset.train_size
    flipped = run.summary.get("provenance", {}).get("flipped", expected) / dataset.train_size
    if not flipped:
        raise NotMeasurableError("It needs flipped labels: dataset.label_flip above 0.")
    return float((final(run, metric="train_accuracy") - (1 - flipped)) / flipped)


def _saturated(run: RunResult) -> float:
    """Share of the plane where the network is at least 95 % sure."""
    p = run.arrays["boundary.p"]
    return float(np.mean(np.maximum(p, 1 - p) >= 0.95))


def sparsity(run: RunResult) -> float:
    """Share of the weights between the hidden layers of at most 0.001 in magnitude."""
    return share_up_to([run.arrays[HIDDEN]], ZERO)


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
    return _flipped_moons(run) and len(run.spec.model.hidden) > 1


def _sparsity_difference(runs: Runs) -> PerSeed:
    table = family(runs, L2, L1, where=_two_hidden)
    sides = pairs(_second_mildest(table, 0), _second_mildest(table, 1))
    return {seed: sparsity(l1) - sparsity(l2) for seed, (l2, l1) in sides.items()}


def _l1_sparsity(runs: Runs) -> PerSeed:
    table = {key: row for key, row in _sweep(L1, runs).items() if key[0] > 0}
    runs_at = table[sorted(table)[min(1, len(table) - 1)]]
    if any(len(run.spec.model.hidden) < 2 for run in runs_at.values()):
        raise NotMeasurableError("It needs at least two hidden layers.")
    return {seed: sparsity(run) for seed, run in runs_at.items()}


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
SPARSITY = Section("L1 against L2", "sparsity", ("l2", "l1"))

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
    SPARSITY.claim(
        "l1-over-l2",
        "L1 decay leaves far fewer hidden weights than L2 decay.",
        "share of the hidden weights with |w| <= 0.001 at the second least λ₁ minus that at the "
        "second least λ₂",
        above(0.5, '"Far fewer" is read as at least half of all weights.', most=1.0),
        _sparsity_difference,
        method_off(L1),
    ),
    Section("L1 weight decay", "sparsity", ("l1",)).claim(
        "most-are-zero",
        "Under L1 decay most of the weights between the hidden layers are zero.",
        "share of the hidden weights with |w| <= 0.001 at the second least λ₁",
        above(0.5, '"Most" is more than half.', most=1.0),
        _l1_sparsity,
        method_off(L1),
    ),
)
