"""Elementary functions that give the same bits on every machine.

NumPy and the C library choose an implementation of ``exp``, ``log``, ``sin`` and ``cos`` by
processor and version, and these differ in the last bits. The functions here are made of additions,
subtractions, multiplications and divisions of float64 alone, each of which IEEE 754 rounds in one
way, and of operations on bits. They take arrays of NumPy and, compiled by the engine, numbers.

Polynomials, and how arguments are reduced, are those of FDLIBM (Sun Microsystems, 1993); an ulp is
the distance of two neighbouring float64 at the result.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# Added to a number below 2^51 and subtracted again: rounds it to the nearest whole number.
ROUNDER = 1.5 * 2.0**52
ONE_BITS = 0x3FF0_0000_0000_0000
MANTISSA = 0x000F_FFFF_FFFF_FFFF
ROOT_HALF_BITS = 0x3FE6_A09E_0000_0000
SMALLEST, LARGEST = 2.0**-1022, 1.7976931348623157e308

# log 2, the first part with so many zeros at its end that products with exponents are exact.
LOG2_HIGH, LOG2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
PER_LOG2 = 1.44269504088896338700
EXP_LOW, EXP_HIGH = -746.0, 710.0

# pi / 2 likewise.
HALF_PI_HIGH, HALF_PI_LOW = 1.57079632673412561417, 6.07710050650619224932e-11
PER_HALF_PI = 6.36619772367581382433e-01
# Splits a float64 into two halves of 26 bits (Dekker, 1971).
SPLITTER = 2.0**27 + 1


def bits_of(x: Any) -> Any:
    """The bits of float64 as int64."""
    return np.float64(x).view(np.int64)


def of_bits(bits: Any) -> Any:
    """The float64 of these bits."""
    return np.int64(bits).view(np.float64)


def where(condition: Any, yes: Any, no: Any) -> Any:
    """``numpy.where``, which compiled code has for arrays alone."""
    return np.where(condition, yes, no)


def power_of_two(n: Any) -> Any:
    """2^n for int64 from -1022 to 1023."""
    return of_bits((n << 52) + ONE_BITS)


def exp(x: Any) -> Any:
    """e^x, within 1 ulp; 0 and infinity beyond the range of float64."""
    return exp_of_sum(x, 0.0)


def exp_of_sum(x: Any, rest: Any) -> Any:
    """e^(x + rest), where ``rest`` is what rounding took from x."""
    x = np.minimum(np.maximum(x, EXP_LOW), EXP_HIGH)
    shifted = x * PER_LOG2 + ROUNDER
    n = shifted - ROUNDER
    high, low = x - n * LOG2_HIGH, n * LOG2_LOW - rest
    r = high - low
    s = r * r
    c = r - s * (
        1.66666666666666019037e-01
        + s
        * (
            -2.77777777770155933842e-03
            + s
            * (
                6.61375632143793436117e-05
                + s * (-1.65339022054652515390e-06 + s * 4.13813679705723846039e-08)
            )
        )
    )
    found = 1.0 - ((low - (r * c) / (2.0 - c)) - high)
    # In two steps, as neither 2^1024 nor 2^-1075 is a number, and rounded in the last one alone.
    exponent = bits_of(shifted) - _ROUNDER_BITS
    half = exponent >> 1
    return found * power_of_two(half) * power_of_two(exponent - half)


_ROUNDER_BITS = int(np.float64(ROUNDER).view(np.int64))


def log_parts(x: Any) -> tuple[Any, Any]:
    """Log x as a sum of two float64, the second much smaller; x positive and normal."""
    bits = bits_of(x) + (ONE_BITS - ROOT_HALF_BITS)
    k = np.float64((bits >> 52) - 1023)
    m = of_bits((bits & MANTISSA) + ROOT_HALF_BITS)
    f = m - 1.0
    # log m = log((1 + s) / (1 - s)) = 2 s + s R(s^2), with s = f / (2 + f) in two parts.
    d = 2.0 + f
    d_rest = f - (d - 2.0)
    s = f / d
    product, rest = product_parts(s, d)
    s_rest = ((f - product) - rest - s * d_rest) / d
    z = s * s
    r = z * (
        6.666666666666735130e-01
        + z
        * (
            3.999999999940941908e-01
            + z
            * (
                2.857142874366239149e-01
                + z
                * (
                    2.222219843214978396e-01
                    + z
                    * (
                        1.818357216161805012e-01
                        + z * (1.531383769920937332e-01 + z * 1.479819860511658591e-01)
                    )
                )
            )
        )
    )
    large, small = k * LOG2_HIGH, 2.0 * s
    high = large + small
    # |large| is 0 or above |small|, so that their difference from the sum is exact.
    low = ((large - high) + small) + (k * LOG2_LOW + (2.0 * s_rest + s * r))
    total = high + low
    return total, low - (total - high)


def product_parts(a: Any, b: Any) -> tuple[Any, Any]:
    """a * b, and what rounding took from it, exactly  (Dekker, 1971)."""
    product = a * b
    t = SPLITTER * a
    a_high = t - (t - a)
    a_low = a - a_high
    t = SPLITTER * b
    b_high = t - (t - b)
    b_low = b - b_high
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def log(x: Any) -> Any:
    """Natural logarithm, within 1 ulp; NaN for what is no positive, normal and finite number."""
    found, _ = log_parts(x)
    return where((x >= SMALLEST) & (x <= LARGEST), found, np.nan)


def power(x: Any, y: Any) -> Any:
    """x^y, within 2 ulp for |y log x| <= 40; x as for ``log``, infinity taken as 2^1024."""
    high, low = log_parts(x)
    product, rest = product_parts(y, high)
    return where(x >= SMALLEST, exp_of_sum(product, rest + y * low), np.nan)


def geometric(first: float, last: float, count: int) -> Any:
    """``count`` float64 from ``first`` to ``last``, each the same multiple of the one before."""
    found = first * power(np.full(count, last / first), np.linspace(0, 1, count))
    found[0], found[-1] = first, last
    return found


def sine_and_cosine(x: Any) -> tuple[Any, Any]:
    """sin x and cos x of numbers with |x| <= 1e5, each within 1e-16 or, if that is more, 1 ulp."""
    shifted = x * PER_HALF_PI + ROUNDER
    n = shifted - ROUNDER
    near, rest = x - n * HALF_PI_HIGH, n * HALF_PI_LOW
    r = near - rest
    r_rest = (near - r) - rest
    z = r * r
    cube = z * r
    s = 8.33333333332248946124e-03 + z * (
        -1.98412698298579493134e-04
        + z
        * (
            2.75573137070700676789e-06
            + z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)
        )
    )
    sine = r - ((z * (0.5 * r_rest - cube * s) - r_rest) + cube * 1.66666666666666324348e-01)
    c = z * (
        4.16666666666666019037e-02
        + z
        * (
            -1.38888888888741095749e-03
            + z
            * (
                2.48015872894767294178e-05
                + z
                * (
                    -2.75573143513906633035e-07
                    + z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11)
                )
            )
        )
    )
    half = 0.5 * z
    w = 1.0 - half
    cosine = w + (((1.0 - w) - half) + (z * c - r * r_rest))
    quarter = (bits_of(shifted) - _ROUNDER_BITS) & 3
    swapped = (quarter & 1) == 1
    return (
        where(swapped, cosine, sine) * where(quarter >= 2, -1.0, 1.0),
        where(swapped, sine, cosine) * where((quarter == 1) | (quarter == 2), -1.0, 1.0),
    )
