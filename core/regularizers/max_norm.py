"""Max-norm: hidden units whose incoming weights have a largest norm (Srivastava et al., 2014)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from reglab.core.regularizers.base import Regularizer
from reglab.core.spec import RunSpec


@dataclass(frozen=True)
class MaxNorm(Regularizer):
    """Shortens the weights that lead to a hidden unit after each update."""

    longest: float
    widest: int

    @classmethod
    def of(cls, spec: RunSpec) -> Self | None:
        """Active for ``regularization.max_norm``."""
        longest = spec.regularization.max_norm
        return None if longest is None else cls(longest, max(spec.model.hidden))

    def after_update(self) -> Any:
        """The kernel, with memory for a number per unit."""
        # Numba is loaded when something is trained.
        from reglab.core.engine.max_norm import MaxNorm

        return MaxNorm(self.longest, np.zeros(self.widest))
