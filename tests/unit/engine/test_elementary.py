"""Elementary functions against 50 decimals, and the same bits compiled as in NumPy."""

from __future__ import annotations

import re
from decimal import Decimal, getcontext, localcontext

import numba
import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm

from reglab.core import elementary
from reglab.core.engine import evaluation, losses
from reglab.core.engine.activations import bias_gelu, bias_sigmoid, bias_tanh, gelu_slopes
from reglab.core.engine.compiled_elementary import whole_power
from reglab.core.engine.compiler import OPTIONS, kernel
from reglab.core.engine.exponential import exp_of_negative
from reglab.core.engine.gradients import norm_of
from reglab.core.engine.schedules import COSINE, Schedule

RNG = np.random.default_rng(0)
EXPONENTS = np.concatenate(
    [RNG.uniform(-708, 709, 400), RNG.uniform(-1, 1, 400), [0.0, -1e-300, 709.78, -708.0]]
)
POSITIVE = np.concatenate(
    [
        np.exp(RNG.uniform(-700, 700, 300)),
        RNG.uniform(0.4, 3, 300),
        1 + RNG.uniform(-1e-4, 1e-4, 200),
        [1.0, 2.0**-1022, 1.7e308, np.nextafter(1, 0), np.nextafter(1, 2)],
    ]
)
BASES, POWERS = RNG.uniform(1, 1000, 300), RNG.uniform(-4, 4, 300)
ANGLES = np.concatenate(
    [np.linspace(0, np.pi, 201), RNG.uniform(-10, 10, 300), RNG.uniform(-1e5, 1e5, 300)]
)


@pytest.fixture(autouse=True)
def _many_decimals():
    with localcontext():
        getcontext().prec = 60
        yield


def ulps(found: np.ndarray, expected: list[Decimal]) -> float:
    """The largest error in units of the distance of neighbouring numbers."""
    pairs = zip(found.tolist(), expected, strict=True)
    errors = [(abs(Decimal(one) - right), np.spacing(abs(float(right)))) for one, right in pairs]
    return max(float(error) / ulp for error, ulp in errors)


def sine(x: Decimal) -> Decimal:
    """By its series about 0, after a whole number of turns is taken off."""
    turn = 2 * PI
    x -= turn * (x / turn).to_integral_value()
    term, total, n = x, x, 1
    while abs(term) > Decimal(10) ** -50:
        term *= -x * x / ((n + 1) * (n + 2))
        total, n = total + term, n + 2
    return total


PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459")


def test_exp_is_within_an_ulp():
    assert ulps(elementary.exp(EXPONENTS), [Decimal(x).exp() for x in EXPONENTS.tolist()]) < 1


def test_log_is_within_an_ulp():
    expected = [Decimal(x).ln() for x in POSITIVE.tolist()]
    found = elementary.log(POSITIVE)
    assert ulps(found[POSITIVE != 1], [e for e in expected if e]) < 1
    assert (found[POSITIVE == 1] == 0).all()


def test_power_is_within_two_ulp():
    pairs = zip(BASES.tolist(), POWERS.tolist(), strict=True)
    expected = [(Decimal(x).ln() * Decimal(y)).exp() for x, y in pairs]
    assert ulps(elementary.power(BASES, POWERS), expected) < 2
    assert (elementary.power(BASES, np.zeros_like(BASES)) == 1).all()


@pytest.mark.parametrize(("which", "shift"), [(0, Decimal(0)), (1, PI / 2)])
def test_sine_and_cosine_are_within_an_ulp_or_1e_16(which, shift):
    found = elementary.sine_and_cosine(ANGLES)[which]
    expected = [sine(Decimal(x) + shift) for x in ANGLES.tolist()]
    for one, right in zip(found.tolist(), expected, strict=True):
        assert abs(Decimal(one) - right) < max(1e-16, np.spacing(abs(float(right))))


@pytest.mark.filterwarnings("ignore:overflow")
def test_ends_of_the_range():
    x = np.array([-np.inf, -800, -745.2, 0, -0.0, 711, np.inf, np.nan])
    np.testing.assert_array_equal(elementary.exp(x), [0, 0, 0, 1, 1, np.inf, np.inf, np.nan])
    assert elementary.exp(np.array([-744.5]))[0] == 2.0**-1074
    bad = np.array([0, -1, 2.0**-1073, np.nan, np.inf])
    assert np.isnan(elementary.log(bad)).all()
    assert np.isnan(elementary.power(bad[:4], np.ones(4))).all()
    huge, square = np.array([1e300, np.inf]), np.full(2, 2.0)
    np.testing.assert_array_equal(elementary.power(huge, square), [np.inf, np.inf])
    np.testing.assert_array_equal(elementary.power(huge, -square), [0, 0])


def test_geometric_series():
    found = elementary.geometric(0.1, 10.0, 9)
    np.testing.assert_allclose(found, np.geomspace(0.1, 10, 9), rtol=1e-15)
    assert (found[0], found[-1]) == (0.1, 10.0)


@kernel
def compiled(x, y, out):
    for i in range(x.shape[0]):
        out[0, i] = elementary.exp(x[i])
        out[1, i] = elementary.log(y[i])
        out[2, i] = elementary.power(y[i], x[i] / 300)


@pytest.mark.filterwarnings("ignore:overflow")
def test_compiled_code_gives_the_bits_of_numpy():
    x, y = RNG.uniform(-740, 709, 20_000), np.exp(RNG.uniform(-700, 700, 20_000))
    out = np.empty((3, len(x)))
    compiled(x, y, out)
    np.testing.assert_array_equal(out[0], elementary.exp(x))
    np.testing.assert_array_equal(out[1], elementary.log(y))
    np.testing.assert_array_equal(out[2], elementary.power(y, x / 300))


@kernel
def exponentials(x, out):
    for i in range(x.shape[0]):
        out[i] = exp_of_negative(x[i])


def test_float32_exp_is_within_1_02_ulp_and_lets_nan_through():
    # Every 509th number, those below the least normal result included.
    x = -np.arange(0, np.float32(104).view(np.uint32), 509, dtype=np.uint32).view(np.float32)
    found = np.empty_like(x)
    exponentials(x, found)
    expected = np.exp(x.astype(np.float64))
    error = np.abs(found - expected) / np.spacing(expected.astype(np.float32))
    assert error.max() < 1.02
    ends = np.array([0, -0.0, -200, -np.inf, np.nan], np.float32)
    exponentials(ends, ends)
    np.testing.assert_array_equal(ends, np.array([1, 1, 0, 0, np.nan], np.float32))


def test_whole_powers():
    assert whole_power(0.999, 0) == 1
    for exponent in (1, 2, 7, 1000, 31_000, 200_000):
        assert whole_power(0.9999, exponent) == pytest.approx(0.9999**exponent, rel=1e-11)


@pytest.mark.parametrize("size", [1, 7, 8, 100_003])
def test_the_norm_is_that_of_float64(size):
    values = RNG.standard_normal(size).astype(np.float32)
    assert norm_of(values) == pytest.approx(np.linalg.norm(values.astype(float)), rel=1e-14)


def test_sigmoid_and_gelu_are_right_everywhere():
    x = np.concatenate([np.linspace(-30, 30, 6001), [-200, -1e30, 1e30, 0]]).astype(np.float32)
    zero, wide = np.zeros(len(x), np.float32), x.astype(float)
    share = norm.cdf(wide)
    for kernel_, expected in ((bias_sigmoid, expit(wide)), (bias_gelu, wide * share)):
        found = x[None].copy()
        kernel_(found, zero)
        np.testing.assert_allclose(found[0], expected, rtol=3e-7, atol=5e-7)
    slopes = np.empty((1, len(x)), np.float32)
    gelu_slopes(x[None], zero, slopes)
    np.testing.assert_allclose(slopes[0], share + wide * norm.pdf(wide), rtol=3e-7, atol=5e-7)


# Kernels that had called the C library, or could estimate a quotient or root.
NAMES = {
    "softmax": losses.softmax_delta,
    "cross-entropy": evaluation.MEASURES["cross_entropy"],
    "tanh": bias_tanh,
    "rate": Schedule.rate,
    "confidence": losses.add_confidence_penalty,
    "sigmoid": bias_sigmoid,
    "GELU": bias_gelu,
    "GELU's slopes": gelu_slopes,
    "norm": norm_of,
}


@pytest.mark.parametrize("name", NAMES)
def test_kernels_call_no_library_and_estimate_nothing(name):
    """An estimate (rcpps, rsqrtps) has other bits on processors of another make."""
    f32, i64 = numba.float32[:, ::1], numba.int64[::1]
    kinds = {
        "softmax": (f32, numba.float32[::1], f32, i64, f32),
        "cross-entropy": (f32, i64),
        "tanh": (f32, numba.float32[::1]),
        "rate": (numba.typeof(Schedule(COSINE, 0.1)), numba.int64),
        "confidence": (f32, numba.float32[::1], numba.float64, f32),
        "sigmoid": (f32, numba.float32[::1]),
        "GELU": (f32, numba.float32[::1]),
        "GELU's slopes": (f32, numba.float32[::1], f32),
        "norm": (numba.float32[::1],),
    }[name]
    again = numba.njit(**OPTIONS)(NAMES[name].py_func)
    again.compile(kinds)
    (text,) = again.inspect_asm().values()
    assert re.search(r"\bv?(mul|add|div)[sp][sd]\b", text)
    assert not re.search(r"\bv?r(cp|sqrt)\w*\b", text)
    called = re.findall(r"\b(?:call|jmp)q?\s+\*?(\w+)|movabsq\s+\$(\w+),", text)
    names = {one or other for one, other in called}
    assert not [
        each for each in names if re.match(r"(exp|log|pow|tanh|sin|cos|fma)[fl0-9]*$", each)
    ]
