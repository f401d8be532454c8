"""Packed inputs give the logits of unpacked ones to the bit, and those of NumPy to rounding."""

from __future__ import annotations

import numpy as np
import pytest

from reglab.core.datasets.identity_key import IdentityKey
from reglab.core.engine.inputs import Inputs
from reglab.core.engine.network import Network, initialize
from reglab.core.engine.packed import Packed, pack, pack_once
from reglab.core.engine.row_order import order_by_nonzeros, order_within_batches

WIDTHS = (70, 37, 5)


def images(rows: int, seed: int = 0) -> np.ndarray:
    """Each row lights a window of its own, mostly dark elsewhere, as drawings do."""
    rng = np.random.default_rng(seed)
    x = rng.random((rows, WIDTHS[0]), np.float32)
    window = np.abs(np.arange(WIDTHS[0]) - rng.integers(0, WIDTHS[0], (rows, 1))) < 9
    return (x * window).astype(np.float32)


@pytest.fixture(scope="module")
def network() -> Network:
    return Network(WIDTHS, "tanh", initialize(WIDTHS, np.random.default_rng(1)))


@pytest.mark.parametrize("rows", [1, 5, 6, 7, 125, 126, 127, 400])
def test_logits_are_those_of_the_rows_as_they_came(network, rows):
    x = images(rows)
    packed = pack(Inputs.of(x, ordered=True))
    assert isinstance(packed, Packed)
    found = network.logits(packed)
    assert found.tobytes() == network.logits(x).tobytes()
    (w0, w1), (b0, b1) = network.weights, network.biases
    hidden = np.tanh(x.astype(np.float64) @ w0 + b0)
    np.testing.assert_allclose(found, hidden @ w1 + b1, atol=2e-6)


def test_a_dark_row_has_the_logits_of_the_biases(network):
    x = np.zeros((7, WIDTHS[0]), np.float32)
    x[3, 4] = 1.0
    assert network.logits(pack(Inputs.of(x, ordered=True))).tobytes() == network.logits(x).tobytes()


def test_rows_that_light_the_same_pixels_become_order_by_nonzeros():
    x = images(600)
    order = order_by_nonzeros(x)
    assert sorted(order) == list(range(600))

    def lit_by_any_of_six(rows: np.ndarray) -> float:
        return (x[rows] != 0).reshape(100, 6, -1).any(axis=1).sum(axis=1).mean()

    assert lit_by_any_of_six(order) < 0.6 * lit_by_any_of_six(np.arange(600))


def test_inputs_that_are_not_sparse_stay_as_they_are():
    inputs = Inputs.of(np.ones((10, WIDTHS[0]), np.float32))
    assert pack(inputs) is inputs


def test_an_array_is_packed_once():
    x = images(20)
    assert pack_once(IdentityKey(x)) is pack_once(IdentityKey(x))
    assert pack_once(IdentityKey(x.copy())) is not pack_once(IdentityKey(x))


@pytest.mark.parametrize("batch", [1, 7, 20, 64])
def test_each_batch_has_its_places_in_that_order(batch):
    near = order_by_nonzeros(images(61))
    rank = np.argsort(near)
    order = np.random.default_rng(2).permutation(61)
    places = order_within_batches(order, near, batch)
    for begin in range(0, 61, batch):
        rows = order[begin : begin + batch]
        np.testing.assert_array_equal(places[begin : begin + batch], np.argsort(rank[rows]))
