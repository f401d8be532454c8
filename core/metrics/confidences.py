"""Answers by confidence: what is measured without bins is a function of this table alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Answers:
    """One row per different confidence, ascending, so that the order of examples is forgotten.

    Attributes:
        confidence: (U,) in [0, 1].
        count: Examples with this confidence, (U,).
        right: Right answers among them, (U,).
    """

    confidence: Floats
    count: Ints
    right: Ints

    @classmethod
    def of(cls, confidence: Floats, right: Floats) -> Answers:
        """From the confidence (N,) of each answer and 1 where it is right, else 0 (N,)."""
        order = np.argsort(confidence)
        ordered = np.asarray(confidence, np.float64)[order]
        starts = np.concatenate([[0], np.flatnonzero(np.diff(ordered)) + 1])
        count = np.diff(np.append(starts, len(ordered)))
        hits = np.add.reduceat(np.asarray(right)[order].astype(np.int64), starts)
        return cls(np.clip(ordered[starts], 0, 1), count, hits)

    @property
    def size(self) -> int:
        """Number of examples."""
        return int(self.count.sum())

    @property
    def share(self) -> Floats:
        """Share of the examples, (U,)."""
        return self.count / self.size

    @property
    def accuracy(self) -> Floats:
        """Share of right answers at each confidence, (U,)."""
        return self.right / self.count
