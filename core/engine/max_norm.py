"""A largest norm of each hidden unit's incoming weights (Srebro and Shraibman, 2005)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from reglab.core.engine.arrays import F32, F64, I64
from reglab.core.engine.compiler import kernel
from reglab.core.engine.layout import weights_of


class MaxNorm(NamedTuple):
    """Weights that lead to a hidden unit are shortened to a norm, biases left alone.

    Attributes:
        longest: The largest Euclidean norm.
        squares: Memory for one number per unit of the widest hidden layer, float64.
    """

    longest: float
    squares: F64

    @kernel
    def after_update(self, theta: F32, widths: I64, lr: float) -> None:
        """Apply to all hidden layers of the parameters (P,)."""
        squares, limit = self.squares, self.longest * self.longest
        for layer in range(widths.shape[0] - 2):
            weights = weights_of(theta, widths, layer)
            units = weights.shape[1]
            for unit in range(units):
                squares[unit] = 0.0
            for row in range(weights.shape[0]):
                for unit in range(units):
                    squares[unit] += np.float64(weights[row, unit]) * np.float64(weights[row, unit])
            for unit in range(units):
                is_long = squares[unit] > limit
                squares[unit] = self.longest / np.sqrt(squares[unit]) if is_long else 1.0
            for row in range(weights.shape[0]):
                for unit in range(units):
                    weights[row, unit] *= np.float32(squares[unit])
