"""The proximal step of the L1 penalty."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from reglab.core.engine.arrays import F32, I64
from reglab.core.engine.compiler import kernel
from reglab.core.engine.layout import weight_start


@kernel
def threshold(values: F32, cut: np.float32) -> None:
    """values <- sign(values) max(|values| - cut, 0)."""
    zero = np.float32(0)
    for i in range(values.shape[0]):
        if values[i] > cut:
            values[i] -= cut
        elif values[i] < -cut:
            values[i] += cut
        else:
            values[i] = zero


class SoftThreshold(NamedTuple):
    """theta <- sign(theta) max(|theta| - lr l1, 0), which gives exact zeros.

    It minimizes (u - theta)^2 / 2 + lr l1 |u| over u.

    Attributes:
        l1: Strength of the penalty.
        spares_biases: Whether biases stay as they are.
    """

    l1: float
    spares_biases: bool = False

    @kernel
    def after_update(self, theta: F32, widths: I64, lr: float) -> None:
        """Apply to the parameters (P,) after an update with the rate ``lr``."""
        cut = np.float32(lr * self.l1)
        if not self.spares_biases:
            threshold(theta, cut)
            return
        for layer in range(widths.shape[0] - 1):
            first = weight_start(widths, layer)
            threshold(theta[first : first + widths[layer] * widths[layer + 1]], cut)
