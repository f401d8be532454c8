"""Claims about calibration, without label smoothing and over its strength."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reglab.core.claims.base import PerSeed, Runs, Section
from reglab.core.claims.controls import changed, method_off, other_arm, untrained, with_arrays
from reglab.core.claims.regions import above, below, within
from reglab.core.claims.select import (
    Family,
    family,
    held_out_minimum,
    over_sweep,
    rank_correlation,
)
from reglab.core.claims.weight_decay import final
from reglab.core.errors import NotMeasurableError
from reglab.core.metrics import reliability
from reglab.core.metrics.predictions import log_probabilities, of_labels, top_label
from reglab.core.results import RunResult

PLAIN = Section("Calibration", "calibration", ("label-smoothing",))
EPSILON = "regularization.label_smoothing"
SMOOTHED = Section("Label smoothing", "smoothing", ("label-smoothing",))
REAL_GAIN = 0.005


def _sweep(runs: Runs, values: int = 2) -> Family:
    table = family(
        runs,
        EPSILON,
        where=lambda run: (
            run.spec.dataset.image_shape is not None and run.spec.model.loss == "cross_entropy"
        ),
    )
    if (0.0,) not in table or len(table) < values:
        raise NotMeasurableError(
            f"It needs image runs with at least {values} values of label smoothing, 0 among them, "
            "as the preset 'label-smoothing'."
        )
    return table


def _table(run: RunResult) -> reliability.Reliability:
    probe = run.spec.probes.binning
    return reliability.table_of(run.logits(), run.labels(), probe.bins, probe.binning)


def ece(run: RunResult) -> float:
    """Expected calibration error in the spec's bins."""
    return reliability.expected_error(_table(run))


def overconfidence(run: RunResult) -> float:
    """Mean confidence minus accuracy on the test set."""
    confidence, right = top_label(run.logits(), run.labels())
    return float(confidence.mean() - right.mean())


def _overconfident_bins(run: RunResult) -> float:
    return float(np.mean(_table(run).gap > 0))


def _sure_errors(run: RunResult) -> float:
    confidence, right = top_label(run.logits(), run.labels())
    wrong = confidence[right == 0]
    return float(np.mean(wrong > 0.8)) if len(wrong) else 0.0


def _train_accuracy(run: RunResult) -> float:
    return final(run, "train_accuracy")


def _at_zero(measure: Callable[[RunResult], float]) -> Callable[[Runs], PerSeed]:
    def by_seed(runs: Runs) -> PerSeed:
        return {seed: measure(run) for seed, run in _sweep(runs)[(0.0,)].items()}

    return by_seed


def _inner_minimum(runs: Runs) -> PerSeed:
    _, found = over_sweep(_sweep(runs, 3), ece)
    best = held_out_minimum(found)
    return {seed: float(min(row[0], row[-1]) - row[best[seed]]) for seed, row in found.items()}


def _best_epsilon(runs: Runs) -> PerSeed:
    values, found = over_sweep(_sweep(runs, 3), ece)
    return {seed: float(values[row.argmin()]) for seed, row in found.items()}


def _gap_trend(runs: Runs) -> PerSeed:
    return rank_correlation(*over_sweep(_sweep(runs, 4), overconfidence))


def _gap_at_end(runs: Runs) -> PerSeed:
    _, found = over_sweep(_sweep(runs), overconfidence)
    return {seed: float(row[-1]) for seed, row in found.items()}


def _accuracy_gain(runs: Runs) -> PerSeed:
    _, found = over_sweep(_sweep(runs), lambda run: final(run, "test_accuracy"))
    return {seed: float(row[1:].mean() - row[0]) for seed, row in found.items()}


def _approximation_error(runs: Runs) -> PerSeed:
    table = _sweep(runs)
    largest = max(table)
    return {seed: _off(run, largest[0]) for seed, run in table[largest].items()}


def _off(run: RunResult, eps: float) -> float:
    if run.spec.regularization.label_smoothing_mode != "others":
        raise NotMeasurableError("It needs label smoothing that is spread over the other classes.")
    log_p, labels = log_probabilities(run.logits()), run.labels()
    classes = log_p.shape[1]
    loss = -of_labels(log_p, labels)
    others = -(log_p.sum(axis=1) + loss)
    exact = (1 - eps) * loss + eps / (classes - 1) * others
    # KL(U || p) up to its constant -ln K.
    divergence = -log_p.mean(axis=1)
    approximate = (1 - eps) * loss + eps * divergence
    return float(np.std(exact - approximate) / np.std(exact))


def _two_classes(run: RunResult) -> RunResult:
    """Of each example the outputs of its class and of the next."""
    logits, labels = run.logits(), run.labels()
    rows = np.arange(len(labels))
    pair = np.stack([logits[rows, labels], logits[rows, (labels + 1) % logits.shape[1]]], axis=1)
    return with_arrays(run, {"test.logits": pair, "test.labels": np.zeros_like(labels)})


CLAIMS = (
    PLAIN.claim(
        "fits-all",
        "Without smoothing, the network finally classifies every training image correctly.",
        "final train accuracy at ε = 0",
        above(0.999, "All but one of a thousand images.", most=1.0),
        _at_zero(_train_accuracy),
        untrained(lambda _: True, "networks before training"),
        kind="sanity",
    ),
    PLAIN.claim(
        "overconfident",
        "Without smoothing the network is over-confident on test images.",
        "mean test confidence minus test accuracy at ε = 0",
        above(0.0),
        _at_zero(overconfidence),
        other_arm(EPSILON),
    ),
    PLAIN.claim(
        "overconfident-throughout",
        "Without smoothing nearly every confidence bin is over-confident.",
        "share of the quantile bins with mean confidence above accuracy at ε = 0",
        above(0.8, '"Consistently" is read as at least 12 of 15 bins.', most=1.0),
        _at_zero(_overconfident_bins),
        other_arm(EPSILON),
    ),
    PLAIN.claim(
        "sure-errors",
        "Without smoothing more than half of the wrong answers are given with a confidence above "
        "80 %.",
        "share of the test errors with a confidence above 0.8 at ε = 0",
        above(0.5, 'The article says "over 50 %".', most=1.0),
        _at_zero(_sure_errors),
        other_arm(EPSILON),
    ),
    SMOOTHED.claim(
        "inner-minimum",
        "The expected calibration error has its minimum between the ends of the sweep.",
        "the lesser ECE of both ends minus that at the ε that is best for the other seeds",
        above(0.0),
        _inner_minimum,
        method_off(EPSILON),
    ),
    SMOOTHED.claim(
        "best-epsilon",
        "The smoothing with the lowest calibration error is about 0.015.",
        "ε of least ECE",
        within(0.01, 0.02, "The article's 0.015, and a step of its sweep to either side."),
        _best_epsilon,
        method_off(EPSILON),
    ),
    SMOOTHED.claim(
        "confidence-falls",
        "More smoothing moves the network steadily from over- towards under-confidence.",
        "Spearman's rho of mean confidence minus accuracy with ε",
        below(-0.9, "Of nine strengths, two neighbours that are exchanged leave 0.983.", most=1.0),
        _gap_trend,
        method_off(EPSILON),
        kind="sanity",
    ),
    SMOOTHED.claim(
        "underconfident",
        "With the most smoothing the network is under-confident.",
        "mean test confidence minus test accuracy at the largest ε",
        below(0.0),
        _gap_at_end,
        method_off(EPSILON),
    ),
    SMOOTHED.claim(
        "approximation",
        "The smoothed loss is nearly (1 - ε) times the loss plus ε times the divergence of the "
        "outputs from the uniform distribution, up to a constant.",
        "standard deviation over test examples of the difference of both, over that of the "
        "smoothed loss, at the largest ε",
        below(0.05, "A twentieth: less than a tenth, by which K / (K - 1) is off from 1."),
        _approximation_error,
        changed("two classes of the ten", _two_classes),
    ),
    SMOOTHED.claim(
        "accuracy-unchanged",
        "Label smoothing does not in general improve the test accuracy.",
        "final test accuracy, mean over all ε > 0, minus that at ε = 0",
        below(REAL_GAIN, "More than a standard error of an accuracy near 0.88 on 10,000 images."),
        _accuracy_gain,
        untrained(
            lambda run: run.spec.regularization.label_smoothing == 0,
            "the network without smoothing before training",
        ),
    ),
)
