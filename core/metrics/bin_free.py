"""The numbers of one set of predictions that need no bins, beside ``calibration.errors``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reglab.core.metrics.confidences import Answers
from reglab.core.metrics.confusion import class_scores
from reglab.core.metrics.corp import corp
from reglab.core.metrics.predictions import top_label
from reglab.core.metrics.selective import selective
from reglab.core.metrics.smooth import smooth_error


@dataclass(frozen=True)
class BinFree:
    """Of logits: the calibration of the confidence, selective prediction, averages over classes.

    The Brier score of the confidence is ``miscalibration - discrimination + accuracy *
    (1 - accuracy)``; see ``corp.Corp``, ``selective.Selective`` and ``confusion.ClassScores``.
    """

    smooth_ece: float
    miscalibration: float
    discrimination: float
    aurc: float
    excess_aurc: float
    balanced_accuracy: float
    macro_f1: float


def answers_of(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> Answers:
    """Answers of logits (N, K) by confidence, against labels (N,)."""
    return Answers.of(*top_label(logits, labels))


def bin_free(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> BinFree:
    """All of them, of logits (N, K) against labels (N,)."""
    answers = answers_of(logits, labels)
    steps, risks = corp(answers), selective(answers)
    classes = class_scores(logits.argmax(axis=1), labels, logits.shape[1])
    return BinFree(
        smooth_ece=smooth_error(answers),
        miscalibration=steps.miscalibration,
        discrimination=steps.discrimination,
        aurc=risks.aurc,
        excess_aurc=risks.excess_aurc,
        balanced_accuracy=classes.balanced_accuracy,
        macro_f1=classes.macro_f1,
    )
