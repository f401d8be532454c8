"""Inverted dropout of the inputs (Srivastava et al., 2014)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from reglab.core.regularizers.base import Epoch, Regularizer
from reglab.core.spec import RunSpec


@dataclass(frozen=True)
class InputDropout(Regularizer):
    """Drops each input of each example with probability p and scales the others by 1 / (1 - p)."""

    p: float
    stream: str | None = "dropout_input"
    changes_inputs: ClassVar[bool] = True

    @classmethod
    def of(cls, spec: RunSpec) -> Self | None:
        """Active for ``regularization.dropout_input`` above zero."""
        p = spec.regularization.dropout_input
        return cls(p) if p else None

    def inputs(self, rng: np.random.Generator, epoch: Epoch) -> Epoch:
        """One mask per example in the epoch's order."""
        keep = rng.random(epoch.inputs.shape, dtype=np.float32) >= np.float32(self.p)
        epoch.inputs[:] *= keep * np.float32(1.0 / (1.0 - self.p))
        return epoch
