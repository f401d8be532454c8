"""Selective prediction: the error of the answers that a network is surest of.

Geifman and El-Yaniv (2017) for risk and coverage; Geifman, Uziel and El-Yaniv (2019) for the
excess.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reglab.core.metrics.confidences import Answers

Floats = NDArray[np.float64]
# Points of the curve that are told: more cannot be seen.
MOST_POINTS = 201


@dataclass(frozen=True)
class Selective:
    """Risk over coverage.

    Attributes:
        coverage: Share of the examples that are answered, the surest first, (P,).
        risk: Share of wrong answers among them, (P,).
        threshold: Smallest confidence among them, (P,).
        aurc: Area under the curve: mean risk over the N coverages 1/N, 2/N, ..., 1.
        least_aurc: That of a network with as many errors that is surer of every right answer than
            of any wrong one.
        excess_aurc: aurc - least_aurc, at least 0.
    """

    coverage: Floats
    risk: Floats
    threshold: Floats
    aurc: float
    least_aurc: float
    excess_aurc: float


def selective(answers: Answers) -> Selective:
    """Risk and coverage of answers.

    Examples of equal confidence come in random order: the risk is its expected value, so that a
    constant predictor has its error rate at every coverage.
    """
    count, wrong = answers.count[::-1], (answers.count - answers.right)[::-1]
    size = answers.size
    ranks = np.arange(1, size + 1)
    after, errors = np.cumsum(count), np.cumsum(wrong)
    before, errors_before = after - count, errors - wrong
    group = np.repeat(np.arange(len(count)), count)
    inside = (ranks - before[group]) * (wrong / count)[group]
    risk = (errors_before[group] + inside) / ranks
    least = np.maximum(ranks - (size - errors[-1]), 0) / ranks
    shown = np.unique(np.linspace(0, size - 1, min(size, MOST_POINTS)).astype(int))
    aurc, least_aurc = float(risk.mean()), float(least.mean())
    return Selective(
        coverage=ranks[shown] / size,
        risk=risk[shown],
        threshold=answers.confidence[::-1][group[shown]],
        aurc=aurc,
        least_aurc=least_aurc,
        excess_aurc=max(aurc - least_aurc, 0.0),
    )
