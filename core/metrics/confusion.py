"""Which classes are taken for which, and averages over classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def confusion_matrix(predicted: Ints, labels: Ints, n_classes: int) -> Ints:
    """Examples by label (rows) and predicted class (columns), (K, K), of both (N,)."""
    pairs = labels.astype(np.int64) * n_classes + predicted
    return np.bincount(pairs, minlength=n_classes**2).reshape(n_classes, n_classes)


@dataclass(frozen=True)
class ClassScores:
    """How each class is answered.

    Attributes:
        count: Examples of each class, (K,).
        answers: Answers of each class, (K,).
        recall: Share of each class's examples that are answered so; NaN without an example, (K,).
        precision: Share of right ones among the answers of each class; NaN without one, (K,).
        f1: 2 TP / (2 TP + FP + FN); NaN of a class that is neither a label nor an answer, (K,).
    """

    count: Ints
    answers: Ints
    recall: Floats
    precision: Floats
    f1: Floats

    @property
    def balanced_accuracy(self) -> float:
        """Mean recall of the classes that have an example."""
        return float(np.nanmean(self.recall))

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the classes that are a label or an answer."""
        return float(np.nanmean(self.f1))


def class_scores(predicted: Ints, labels: Ints, n_classes: int) -> ClassScores:
    """Scores of K classes from predicted ones (N,) and labels (N,)."""
    count, answers, hits = (
        np.bincount(values, minlength=n_classes)
        for values in (labels, predicted, labels[labels == predicted])
    )
    return ClassScores(
        count=count,
        answers=answers,
        recall=_share(hits, count),
        precision=_share(hits, answers),
        f1=_share(2 * hits, count + answers),
    )


def _share(part: Ints, whole: Ints) -> Floats:
    return np.asarray(np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0))
