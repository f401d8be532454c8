"""Inverted dropout of hidden activations (Srivastava et al., 2014)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from reglab.core.regularizers.base import Masks, Regularizer, Sizes
from reglab.core.spec import RunSpec


@dataclass(frozen=True)
class Dropout(Regularizer):
    """Drops each unit with probability p and scales the others by 1 / (1 - p)."""

    p: float
    per_example: bool
    stream: str | None = "dropout"

    @classmethod
    def of(cls, spec: RunSpec) -> Self | None:
        """Active for ``regularization.dropout`` above zero."""
        wanted = spec.regularization
        return cls(wanted.dropout, wanted.dropout_mask == "example") if wanted.dropout else None

    def activations(self, rng: np.random.Generator, sizes: Sizes) -> Masks:
        """One mask per batch, or one per example in the epoch's order."""
        rows = sizes.examples if self.per_example else sizes.batches
        keep = rng.random((rows, sizes.hidden_units), dtype=np.float32) >= np.float32(self.p)
        values = keep * np.float32(1.0 / (1.0 - self.p))
        return Masks(values, self.per_example, np.float32(1.0 - self.p))
