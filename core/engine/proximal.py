"""The proximal step of the L1 penalty."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from reglab.core.engine.arrays import F32, I64
from reglab.core.engine.compiler import kernel


class SoftThreshold(NamedTuple):
    """theta <- sign(theta) max(|theta| - lr l1, 0), which gives exact zeros.

    It minimizes (u - theta)^2 / 2 + lr l1 |u| over u.
    """

    l1: float

    @kernel
    def after_update(self, theta: F32, widths: I64, lr: float) -> None:
        """Apply to all parameters (P,) after an update with the rate ``lr``."""
        cut, zero = np.float32(lr * self.l1), np.float32(0)
        for i in range(theta.shape[0]):
            if theta[i] > cut:
                theta[i] -= cut
            elif theta[i] < -cut:
                theta[i] += cut
            else:
                theta[i] = zero
