"""Inverted dropout of hidden activations (Srivastava et al., 2014)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from reglab.core.regularizers.base import Masks, Regularizer, Sizes
from reglab.core.spec import RunSpec


@dataclass(frozen=True)
class Dropout(Regularizer):
    """Drops each unit with its layer's rate p and scales the others by 1 / (1 - p)."""

    rates: tuple[float, ...]
    per_example: bool
    stream: str | None = "dropout"

    @classmethod
    def of(cls, spec: RunSpec) -> Self | None:
        """Active for ``regularization.dropout`` above zero."""
        rates = spec.dropout_rates()
        per_example = spec.regularization.dropout_mask == "example"
        return cls(tuple(rates), per_example) if any(rates) else None

    def activations(self, rng: np.random.Generator, sizes: Sizes) -> Masks:
        """One mask per batch, or one per example in the epoch's order."""
        rows = sizes.examples if self.per_example else sizes.batches
        rates, kept = np.array(self.rates, np.float32), 1.0 - np.array(self.rates)
        drawn = rng.random((rows, sum(sizes.hidden)), dtype=np.float32)
        keep = (drawn >= np.repeat(rates, sizes.hidden)).astype(np.float32)
        values = keep * np.repeat((1.0 / kept).astype(np.float32), sizes.hidden)
        return Masks(values, self.per_example, kept.astype(np.float32))
