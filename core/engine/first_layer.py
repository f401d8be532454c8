"""The first layer where most inputs are zero: both of its products pass over zeros.

Images are dark at the same places, so a tile of a product goes over only those pixels that any of
its rows lights, or over those rows that light any of its neighbouring pixels. Rows are read where
they lie in the training set.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.cpython.unsafe import numbers

from reglab.core.engine import updates
from reglab.core.engine.compiler import inlined, kernel
from reglab.core.engine.gemm import multiply
from reglab.core.engine.microkernels import LISTED_ROWS as ROWS
from reglab.core.engine.microkernels import listed_product, prefetch

trailing_zeros: Any = numbers.trailing_zeros


@kernel
def listed(
    a: Any,
    bases: Any,
    across: Any,
    b: Any,
    down: Any,
    count: Any,
    targets: Any,
    rows: Any,
    out: Any,
    scale: Any,
) -> None:
    """``tiles.listed_product``, in a function of its own: compiled once for all who call it."""
    listed_product(a, bases, across, b, down, count, targets, rows, out, scale)


@kernel
def list_pixels(lit: Any, rows: Any, pixels: Any) -> int:
    """List the columns that any of the rows lights; returns how many."""
    count = 0
    for word in range(lit.shape[1]):
        bits = np.uint64(0)
        for at in range(rows.shape[0]):
            bits |= lit[rows[at], word]
        while bits != 0:
            pixels[count] = word * 64 + np.int64(trailing_zeros(bits))
            count += 1
            bits &= bits - np.uint64(1)
    return count


@inlined
def forward(is_sparse: bool, chosen: Any, places: Any, weights: Any, scratch: Any, z: Any) -> None:
    """z (B, n) <- x W for the rows of x that ``inputs.choose_rows`` has chosen, W (d, n).

    Tiles are formed of rows that follow one another in ``places`` (B,).
    """
    x, lit, _, _, rows = chosen
    bases, across, down, targets, tile = scratch[5]
    if not is_sparse:
        multiply(x, weights, z)
        return
    for begin in range(0, rows.shape[0], ROWS):
        height = min(ROWS, rows.shape[0] - begin)
        for at in range(height):
            targets[at] = places[begin + at]
            tile[at] = rows[targets[at]]
            bases[at] = tile[at] * x.shape[1]
        count = list_pixels(lit, tile[:height], across)
        for n in range(count):
            down[n] = across[n] * z.shape[1]
        listed(x, bases, across, weights, down, count, targets, height, z, np.float32(0))


@kernel
def _list_rows(strip: int, chosen: Any, width: int, across: Any, down: Any) -> int:
    """List the rows that light any pixel of a strip; returns how many."""
    _, _, strips, strips_lit, rows = chosen
    lit = strips_lit[strip]
    ahead = min(strip + 1, strips.shape[0] - 1) * strips.shape[1] * ROWS
    count = 0
    for at in range(rows.shape[0]):
        prefetch(strips, ahead + rows[at] * ROWS)
        across[count] = rows[at] * ROWS
        down[count] = at * width
        count += lit[rows[at]]
    return count


@kernel
def _set_bases(strip: int, strips: Any, pixels: int, first: int, lists: Any) -> int:
    """Read each pixel of a strip from ``strips``, write it from ``first`` on; returns how many."""
    bases, _, _, targets, _ = lists
    for pixel in range(ROWS):
        bases[pixel] = strip * strips.shape[1] * ROWS + pixel
        targets[pixel] = first + pixel
    return min(ROWS, pixels - strip * ROWS)


@inlined
def add_gradient(chosen: Any, delta: Any, scratch: Any, scale: Any, weights: Any) -> None:
    """weights (d, n) += scale * x^T delta for the chosen rows of sparse x, delta (B, n)."""
    strips = chosen[2]
    bases, across, down, targets, _ = scratch[5]
    for strip in range(strips.shape[0]):
        count = _list_rows(strip, chosen, weights.shape[1], across, down)
        high = _set_bases(strip, strips, weights.shape[0], strip * ROWS, scratch[5])
        if count > 0:
            listed(strips, bases, across, delta, down, count, targets, high, weights, scale)


@inlined
def adam(
    chosen: Any, delta: Any, scratch: Any, moving: Any, theta: Any, m: Any, v: Any, rule: Any
) -> None:
    """Adam's update of the weights in theta, strip by strip while a gradient is in the cache.

    ``moving`` (strips,) is False for strips whose gradient and decay are always zero; ``rule`` is
    that of ``updates.adam``.
    """
    x, strips = chosen[0], chosen[2]
    bases, across, down, targets, _ = scratch[5]
    grad, zero = scratch[6], np.float32(0)
    units = grad.shape[1]
    flat = grad.reshape(grad.size)
    for strip in range(strips.shape[0]):
        if not moving[strip]:
            continue
        count = _list_rows(strip, chosen, units, across, down)
        high = _set_bases(strip, strips, x.shape[1], 0, scratch[5])
        listed(strips, bases, across, delta, down, count, targets, high, grad, zero)
        low, end = strip * ROWS * units, (strip * ROWS + high) * units
        updates.adam(theta[low:end], flat[: end - low], m[low:end], v[low:end], rule)
