"""The exponential function of float32, the same on every machine.

Additions, multiplications and fused multiply-adds are rounded in one way everywhere, while the C
library's ``expf`` differs between processors and versions. The polynomial is that of Cephes
(Moshier, 1989).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reglab.core.engine.compiler import inlined
from reglab.core.engine.llvm_ir import fused

LEAST = np.float32(-104)
PER_LOG2 = np.float32(1.44269504)
# log 2, the first part with zeros at its end, so that the product with a whole number is exact.
LOG2_HIGH, LOG2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
# Added to a number below 2^22: rounds it to the nearest whole number.
ROUNDER = np.float32(1.5 * 2**23)
ROUNDER_BITS = int(ROUNDER.view(np.int32))
E2, E3 = np.float32(5.0000001201e-1), np.float32(1.6666665459e-1)
E4, E5 = np.float32(4.1665795894e-2), np.float32(8.3334519073e-3)
E6, E7 = np.float32(1.3981999507e-3), np.float32(1.9875691500e-4)


@inlined
def power_of_two(n: Any) -> Any:
    """2^n as float32 for n from -126 to 127."""
    return np.int32((n + 127) << 23).view(np.float32)


@inlined
def exp_of_negative(x: np.float32) -> Any:
    """e^x of float32 x <= 0, within 1.02 ulp; NaN of NaN."""
    # A comparison, not max: it lets NaN through.
    if x < LEAST:  # noqa: PLR1730
        x = LEAST
    shifted = fused(x, PER_LOG2, ROUNDER)
    n = shifted - ROUNDER
    r = fused(-n, LOG2_LOW, fused(-n, LOG2_HIGH, x))
    p = fused(r, fused(r, fused(r, E7, E6), E5), E4)
    p = fused(r, fused(r, p, E3), E2)
    found = np.float32(1) + fused(r * r, p, r)
    # In two steps, the last of which alone rounds, as 2^-150 is no float32.
    exponent = np.int32(np.float32(shifted).view(np.int32)) - ROUNDER_BITS
    half = exponent >> 1
    return found * power_of_two(half) * power_of_two(exponent - half)
