"""Products, transposes and the first layer that passes over zeros, against NumPy in float64."""

from __future__ import annotations

import numpy as np
import pytest

from reglab.core.engine import Inputs, first_layer
from reglab.core.engine.compiler import kernel
from reglab.core.engine.gemm import multiply, multiply_transposed, transpose
from reglab.core.engine.inputs import choose_rows
from reglab.core.engine.optimizers.adam import Adam, AdamState
from reglab.core.engine.optimizers.base import Parameters, Step
from reglab.core.engine.workspace import aligned, make_scratch

RNG = np.random.default_rng(0)
SHAPES = [(1, 1, 1), (7, 5, 3), (13, 47, 9), (26, 2, 64), (32, 64, 2), (32, 96, 96), (8, 10, 128)]
STILL = np.zeros(2, np.int64)
update_sparse = Adam.update_sparse


@kernel
def forward(inputs, rows, places, scratch, weights, z):
    chosen = choose_rows(inputs, rows, places, STILL, STILL, scratch)
    first_layer.forward(chosen, weights, scratch, z)


@kernel
def add_gradient(inputs, rows, places, scratch, delta, scale, weights):
    chosen = choose_rows(inputs, rows, places, STILL, STILL, scratch)
    first_layer.add_gradient(chosen, delta, scratch, scale, weights)


@kernel
def update_by_adam(adam, inputs, rows, places, scratch, delta, parameters, step):
    chosen = choose_rows(inputs, rows, places, STILL, STILL, scratch)
    update_sparse(adam, chosen, delta, scratch, parameters, step)


def normal(*shape):
    return RNG.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("shape", SHAPES)
def test_products_agree_with_numpy(shape):
    m, n, k = shape
    a, b = normal(m, k), normal(k, n)
    expected = a.astype(float) @ b.astype(float)
    for product, left in ((multiply, a), (multiply_transposed, np.ascontiguousarray(a.T))):
        out = np.full((m, n), np.nan, np.float32)
        product(left, b, out)
        np.testing.assert_allclose(out, expected, atol=2e-6 * k, rtol=1e-5)


def test_every_width_and_height_is_covered_once():
    """Sums of ones are exact: an entry that is missed or counted twice shows."""
    for size in range(1, 70):
        out = np.full((size, size), np.nan, np.float32)
        multiply(np.ones((size, 3), np.float32), np.ones((3, size), np.float32), out)
        assert (out == 3).all(), size


def test_products_let_nan_and_infinity_through():
    a, b, out = normal(5, 4), normal(4, 6), np.empty((5, 6), np.float32)
    a[2, 1], b[0, 3] = np.nan, np.inf
    multiply(a, b, out)
    assert np.isnan(out[2]).all()
    assert not np.isfinite(out[:, 3]).any()


@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (33, 50), (64, 2), (7, 40), (96, 96)])
def test_transpose(shape):
    a, out = normal(*shape), np.full(shape[::-1], np.nan, np.float32)
    transpose(a, out)
    np.testing.assert_array_equal(out, a.T)


def sparse(rows, columns, share=0.3):
    return normal(rows, columns) * (RNG.random((rows, columns)) < share)


@pytest.mark.parametrize("units", [1, 7, 64, 130])
@pytest.mark.parametrize("batch", [1, 8, 23])
def test_first_layer_over_nonzeros_agrees_with_numpy(units, batch):
    x = sparse(40, 70)
    inputs = Inputs.of(x, backward=True)
    assert inputs.is_sparse
    rows = RNG.permutation(40)[:batch]
    scratch = make_scratch(70, batch, units)
    places = RNG.permutation(batch)
    weights, z = normal(70, units), np.full((batch, units), np.nan, np.float32)
    forward(inputs, rows, places, scratch, weights, z)
    np.testing.assert_allclose(z, x[rows].astype(float) @ weights, atol=1e-5)

    delta = normal(batch, units)
    gradient = x[rows].T.astype(float) @ delta
    moved = weights.copy()
    add_gradient(inputs, rows, places, scratch, delta, np.float32(-0.5), moved)
    np.testing.assert_allclose(moved, weights - 0.5 * gradient, atol=1e-5)

    adam, step = Adam(0.9, 0.999, 1e-8, True), Step(1, 0.01, 0.0, 0.0)
    theta, m, v = (aligned(70 * units) for _ in range(3))
    theta[:] = weights.ravel()
    moving = np.ones(len(inputs.strips), np.bool_)
    parameters = Parameters(theta, aligned(len(theta)), AdamState(m, v), moving)
    update_by_adam(adam, inputs, rows, places, scratch, delta, parameters, step)
    expected = [weights.ravel().copy(), np.zeros_like(m), np.zeros_like(v)]
    flat = gradient.astype(np.float32).ravel()
    Adam.update(adam, expected[0], flat, AdamState(*expected[1:]), 0, len(flat), step)
    np.testing.assert_allclose(m, expected[1], atol=1e-6)
    np.testing.assert_allclose(v, expected[2], atol=1e-6)
    # The first step has the size of the rate, whichever way a gradient near zero is rounded.
    np.testing.assert_allclose(theta, expected[0], atol=0.0201)


def test_memory_for_parameters_begins_at_a_cache_line():
    for count in (1, 17, 4482):
        assert aligned(count).ctypes.data % 64 == 0
        assert aligned(count).shape == (count,)
