"""Which classes are taken for which, and averages over classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Confusion:
    """Counts of labels and answers.

    Attributes:
        matrix: Examples by label (rows) and predicted class (columns), (K, K).
        recall: Share of each label's examples that are answered so; NaN without an example, (K,).
        precision: Share of right ones among the answers of each class; NaN without one, (K,).
        f1: 2 TP / (2 TP + FP + FN); NaN of a class that is neither a label nor an answer, (K,).
    """

    matrix: Ints
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


def confusion(predicted: Ints, labels: Ints, n_classes: int) -> Confusion:
    """Count predicted classes (N,) by label (N,)."""
    pairs = labels.astype(np.int64) * n_classes + predicted
    matrix = np.bincount(pairs, minlength=n_classes**2).reshape(n_classes, n_classes)
    hits, of_label, of_answer = matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)
    return Confusion(
        matrix=matrix,
        recall=_share(hits, of_label),
        precision=_share(hits, of_answer),
        f1=_share(2 * hits, of_label + of_answer),
    )


def _share(part: Ints, whole: Ints) -> Floats:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
