"""Memory that the kernels write to, allocated once per training."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from reglab.core.engine.arrays import F32
from reglab.core.engine.inputs import STRIP, Lists, Scratch, empty_strips

LINE = 64


class Workspace(NamedTuple):
    """Memory for one batch.

    Attributes:
        outputs: Outputs of all layers, flat: see ``layout``.
        slopes: Derivatives of the hidden activations, flat, where outputs do not tell them.
        deltas: Derivatives of the loss by the sums of all layers, flat.
        transposed: The transpose of a weight matrix, flat.
        scratch: For the first layer.
    """

    outputs: F32
    slopes: F32
    deltas: F32
    transposed: F32
    scratch: Scratch


def aligned(count: int) -> F32:
    """Float32 zeros that begin at a cache line, so that no vector straddles two lines."""
    raw = np.zeros(count * 4 + LINE, np.uint8)
    first = -raw.ctypes.data % LINE
    return raw[first : first + count * 4].view(np.float32)


def make_workspace(widths: Sequence[int], batch: int) -> Workspace:
    """For a network of these layer widths and batches of up to ``batch`` rows."""
    units = batch * sum(widths[1:])
    largest = max((a * b for a, b in itertools.pairwise(widths[1:])), default=1)
    scratch = make_scratch(widths[0], batch, widths[1])
    return Workspace(aligned(units), aligned(units), aligned(units), aligned(largest), scratch)


def make_scratch(columns: int, batch: int, units: int) -> Scratch:
    """For batches of up to ``batch`` rows of ``columns`` inputs and ``units`` outputs."""
    longest = max(batch, columns) + 1
    strips, strip_nonzero = empty_strips(batch, columns)
    return Scratch(
        dense=aligned(batch * columns).reshape(batch, columns),
        nonzero=np.zeros((batch, -(-columns // 64)), np.uint64),
        strips=strips,
        strip_nonzero=strip_nonzero,
        rows=np.arange(batch),
        lists=Lists(*(np.zeros(longest, np.int64) for _ in Lists._fields)),
        gradient=aligned(STRIP * units).reshape(STRIP, units),
    )
