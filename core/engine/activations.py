"""Non-linearities, with the bias added in the same pass over memory."""

from __future__ import annotations

import numpy as np

from reglab.core.engine.arrays import F32
from reglab.core.engine.compiler import kernel
from reglab.core.engine.llvm_ir import fused

CODES = {"identity": 0, "tanh": 1, "relu": 2}

# Rational approximation of tanh on +-7.905, odd degree 13 over even degree 6, within a few float32
# ulps; the coefficients are those of Eigen's generic fast tanh.
LIMIT = np.float32(7.90531110763549805)
A1, A3 = np.float32(4.89352455891786e-03), np.float32(6.37261928875436e-04)
A5, A7 = np.float32(1.48572235717979e-05), np.float32(5.12229709037114e-08)
A9, A11 = np.float32(-8.60467152213735e-11), np.float32(2.00018790482477e-13)
A13 = np.float32(-2.76076847742355e-16)
B0, B2 = np.float32(4.89352518554385e-03), np.float32(2.26843463243900e-03)
B4, B6 = np.float32(1.18534705686654e-04), np.float32(1.19825839466702e-06)


@kernel
def bias_tanh(z: F32, bias: F32) -> None:
    """z (B, n) float32 <- tanh(z + bias)."""
    for row in range(z.shape[0]):
        for unit in range(z.shape[1]):
            x = z[row, unit] + bias[unit]
            # Comparisons, not min and max: these let NaN through.
            if x > LIMIT:
                x = LIMIT
            elif x < -LIMIT:
                x = -LIMIT
            s = x * x
            p = fused(s, fused(s, fused(s, A13, A11), A9), A7)
            p = fused(s, fused(s, fused(s, p, A5), A3), A1)
            q = fused(s, fused(s, fused(s, B6, B4), B2), B0)
            z[row, unit] = x * p / q


@kernel
def bias_activation(z: F32, bias: F32, code: int) -> None:
    """z (B, n) float32 <- activation(z + bias), in place."""
    if code == 1:
        bias_tanh(z, bias)
        return
    zero = np.float32(0)
    for row in range(z.shape[0]):
        for unit in range(z.shape[1]):
            x = z[row, unit] + bias[unit]
            if code == 2 and x < zero:
                x = zero
            z[row, unit] = x


@kernel
def times_derivative(delta: F32, output: F32, code: int) -> None:
    """delta (B, n) <- delta * activation', where ``output`` is the activation's value."""
    one, zero = np.float32(1), np.float32(0)
    for row in range(delta.shape[0]):
        for unit in range(delta.shape[1]):
            a = output[row, unit]
            if code == 1:
                delta[row, unit] *= fused(-a, a, one)
            elif code == 2 and a <= zero:
                delta[row, unit] = zero


@kernel
def apply_mask(values: F32, masks: F32, first: int, start: int, shared: bool) -> None:
    """values (B, n) <- values * mask; mask columns begin at ``first``, rows at ``start``."""
    for row in range(values.shape[0]):
        line = start if shared else start + row
        for unit in range(values.shape[1]):
            values[row, unit] *= masks[line, first + unit]


@kernel
def masked_derivative(
    delta: F32,
    output: F32,
    masks: F32,
    first: int,
    start: int,
    shared: bool,
    keep: np.float32,
    code: int,
) -> None:
    """delta <- delta * mask * activation', where ``output`` is the masked activation.

    A kept unit's mask is 1 / keep, so its activation is output * keep; a dropped unit's gradient is
    zero whatever its activation was.
    """
    one, zero = np.float32(1), np.float32(0)
    for row in range(delta.shape[0]):
        line = start if shared else start + row
        for unit in range(delta.shape[1]):
            a = output[row, unit] * keep
            slope = one
            if code == 1:
                slope = fused(-a, a, one)
            elif code == 2 and a <= zero:
                slope = zero
            delta[row, unit] *= slope * masks[line, first + unit]
