"""Non-linearities, with the bias added in the same pass over memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from reglab.core.engine.arrays import F32
from reglab.core.engine.compiler import inlined, kernel
from reglab.core.engine.exponential import exp_of_negative
from reglab.core.engine.llvm_ir import fused

IDENTITY, TANH, RELU, LEAKY_RELU, SIGMOID, GELU = range(6)
CODES = {
    "identity": IDENTITY,
    "tanh": TANH,
    "relu": RELU,
    "leaky_relu": LEAKY_RELU,
    "sigmoid": SIGMOID,
    "gelu": GELU,
}
# Of the leaky ReLU, for negative numbers.
LEAK = np.float32(0.01)

# Rational approximation of tanh on +-7.905, odd degree 13 over even degree 6, within a few float32
# ulps; the coefficients are those of Eigen's generic fast tanh.
LIMIT = np.float32(7.90531110763549805)
A1, A3 = np.float32(4.89352455891786e-03), np.float32(6.37261928875436e-04)
A5, A7 = np.float32(1.48572235717979e-05), np.float32(5.12229709037114e-08)
A9, A11 = np.float32(-8.60467152213735e-11), np.float32(2.00018790482477e-13)
A13 = np.float32(-2.76076847742355e-16)
B0, B2 = np.float32(4.89352518554385e-03), np.float32(2.26843463243900e-03)
B4, B6 = np.float32(1.18534705686654e-04), np.float32(1.19825839466702e-06)

# erfc x = (C1 t + ... + C5 t^5) exp(-x^2) for t = 1 / (1 + C0 x) and x >= 0, within 1.5e-7
# (Abramowitz and Stegun, 1964, 7.1.26).
C0, C1, C2 = np.float32(0.3275911), np.float32(0.254829592), np.float32(-0.284496736)
C3, C4, C5 = np.float32(1.421413741), np.float32(-1.453152027), np.float32(1.061405429)
ROOT_HALF, PER_ROOT_2PI = np.float32(0.7071067811865476), np.float32(0.3989422804014327)


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


@inlined
def normal_share(x: np.float32, bell: np.float32) -> Any:
    """Chance that a normal number is below float32 x; ``bell`` is exp(-x^2 / 2)."""
    one, half = np.float32(1), np.float32(0.5)
    t = one / fused(C0, abs(x) * ROOT_HALF, one)
    tail = half * bell * t * fused(t, fused(t, fused(t, fused(t, C5, C4), C3), C2), C1)
    return one - tail if x > np.float32(0) else tail


@kernel
def bias_sigmoid(z: F32, bias: F32) -> None:
    """z (B, n) float32 <- 1 / (1 + exp(-(z + bias)))."""
    one = np.float32(1)
    for row in range(z.shape[0]):
        for unit in range(z.shape[1]):
            x = z[row, unit] + bias[unit]
            e = exp_of_negative(-abs(x))
            z[row, unit] = (e if x < np.float32(0) else one) / (one + e)


@kernel
def bias_gelu(z: F32, bias: F32) -> None:
    """z (B, n) float32 <- x P(normal number < x) for x = z + bias (Hendrycks and Gimpel, 2016)."""
    half = np.float32(0.5)
    for row in range(z.shape[0]):
        for unit in range(z.shape[1]):
            x = z[row, unit] + bias[unit]
            z[row, unit] = x * normal_share(x, exp_of_negative(-half * x * x))


@kernel
def gelu_slopes(z: F32, bias: F32, out: F32) -> None:
    """out (B, n) <- derivative of the GELU at z + bias, which its value does not tell."""
    half = np.float32(0.5)
    for row in range(z.shape[0]):
        for unit in range(z.shape[1]):
            x = z[row, unit] + bias[unit]
            bell = exp_of_negative(-half * x * x)
            out[row, unit] = fused(x * PER_ROOT_2PI, bell, normal_share(x, bell))


@kernel
def bias_activation(z: F32, bias: F32, code: int) -> None:
    """z (B, n) float32 <- activation(z + bias), in place."""
    if code == TANH:
        bias_tanh(z, bias)
        return
    if code == SIGMOID:
        bias_sigmoid(z, bias)
        return
    if code == GELU:
        bias_gelu(z, bias)
        return
    zero = np.float32(0)
    for row in range(z.shape[0]):
        for unit in range(z.shape[1]):
            x = z[row, unit] + bias[unit]
            if code == RELU and x < zero:
                x = zero
            elif code == LEAKY_RELU and x < zero:
                x *= LEAK
            z[row, unit] = x


@kernel
def times_further_derivative(delta: F32, output: F32, slopes: F32, code: int) -> None:
    """``times_derivative`` of activations whose branches would slow the loop of the others."""
    for row in range(delta.shape[0]):
        for unit in range(delta.shape[1]):
            a = output[row, unit]
            if code == LEAKY_RELU:
                delta[row, unit] *= LEAK if a <= np.float32(0) else np.float32(1)
            elif code == SIGMOID:
                delta[row, unit] *= fused(-a, a, a)
            else:
                delta[row, unit] *= slopes[row, unit]


@kernel
def times_derivative(delta: F32, output: F32, slopes: F32, code: int) -> None:
    """delta (B, n) <- delta * activation', where ``output`` is the activation's value.

    ``slopes`` (B, n) are the derivatives of the GELU, and else not looked at.
    """
    if code >= LEAKY_RELU:
        times_further_derivative(delta, output, slopes, code)
        return
    one, zero = np.float32(1), np.float32(0)
    for row in range(delta.shape[0]):
        for unit in range(delta.shape[1]):
            a = output[row, unit]
            if code == TANH:
                delta[row, unit] *= fused(-a, a, one)
            elif code == RELU and a <= zero:
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
    slopes: F32,
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
    if code >= LEAKY_RELU:
        # In place of the outputs, which are not needed any more.
        for row in range(delta.shape[0]):
            for unit in range(delta.shape[1]):
                output[row, unit] *= keep
        times_further_derivative(delta, output, slopes, code)
        apply_mask(delta, masks, first, start, shared)
        return
    one, zero = np.float32(1), np.float32(0)
    for row in range(delta.shape[0]):
        line = start if shared else start + row
        for unit in range(delta.shape[1]):
            a = output[row, unit] * keep
            slope = one
            if code == TANH:
                slope = fused(-a, a, one)
            elif code == RELU and a <= zero:
                slope = zero
            delta[row, unit] *= slope * masks[line, first + unit]
