"""The metrics of a run: what each is called, in what unit, and which runs have it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reglab.core.spec.experiment import RunSpec

# Of the network that a training kept, or of its last evaluation.
At = Literal["kept", "last"]


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        name: Its column.
        description: What it is, with its unit.
        higher_is_better: Whether greater values are better.
        is_curve: Whether it is measured at every evaluation; others are of the kept network.
        needs_split: Whether it needs a validation split.
        needs_probabilities: Whether it needs cross-entropy loss.
        needs_average: Whether it needs an average of the weights.
    """

    name: str
    description: str
    higher_is_better: bool = False
    is_curve: bool = True
    needs_split: bool = False
    needs_probabilities: bool = False
    needs_average: bool = False


LOSS = "Mean loss that is trained on: cross-entropy in nats, or half the squared distance."
ACCURACY = "Share of right answers, from 0 to 1."
OF_AVERAGE = "Of the averaged weights (optimizer.average): "
METRICS = (
    Metric("train_loss", LOSS),
    Metric("train_accuracy", ACCURACY, higher_is_better=True),
    Metric("test_loss", LOSS),
    Metric("test_accuracy", ACCURACY, higher_is_better=True),
    Metric("validation_loss", LOSS, needs_split=True),
    Metric("validation_accuracy", ACCURACY, higher_is_better=True, needs_split=True),
    Metric("average_train_loss", OF_AVERAGE + LOSS, needs_average=True),
    Metric(
        "average_train_accuracy", OF_AVERAGE + ACCURACY, higher_is_better=True, needs_average=True
    ),
    Metric("average_test_loss", OF_AVERAGE + LOSS, needs_average=True),
    Metric(
        "average_test_accuracy", OF_AVERAGE + ACCURACY, higher_is_better=True, needs_average=True
    ),
    Metric("ece", "Expected calibration error.", is_curve=False, needs_probabilities=True),
    Metric("brier", "Brier score.", is_curve=False, needs_probabilities=True),
)
CURVES = tuple(metric for metric in METRICS if metric.is_curve)
# Columns that every run has, and those of runs with a validation split or averaged weights.
SOMETIMES = tuple(metric.name for metric in CURVES if metric.needs_split or metric.needs_average)
ALWAYS = tuple(metric.name for metric in CURVES if metric.name not in SOMETIMES)


def metrics_of(spec: RunSpec) -> list[Metric]:
    """The metrics that a run of this spec has."""
    return [
        metric
        for metric in METRICS
        if not (metric.needs_split and not spec.validation_count())
        and not (metric.needs_average and spec.optimizer.average is None)
        and not (metric.needs_probabilities and spec.model.loss == "squared")
    ]
