"""Label smoothing (Szegedy et al., 2016): targets a little short of certain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from reglab.core.regularizers.base import Regularizer
from reglab.core.spec import RunSpec


@dataclass(frozen=True)
class LabelSmoothing(Regularizer):
    """'others': 1 - eps on the label, eps / (K - 1) elsewhere; 'uniform': eps / K on all."""

    eps: float
    uniform: bool

    @classmethod
    def of(cls, spec: RunSpec) -> Self | None:
        """Active for ``regularization.label_smoothing`` above zero."""
        wanted = spec.regularization
        if not wanted.label_smoothing:
            return None
        return cls(wanted.label_smoothing, wanted.label_smoothing_mode == "uniform")

    def targets(self, targets: NDArray[np.float32]) -> NDArray[np.float32]:
        """Smooth targets (N, K); each row still sums to one."""
        classes = targets.shape[1]
        exact = targets.astype(np.float64)
        if self.uniform:
            smooth = (1 - self.eps) * exact + self.eps / classes
        else:
            smooth = (1 - self.eps) * exact + self.eps / (classes - 1) * (1 - exact)
        return np.asarray(smooth, np.float32)
