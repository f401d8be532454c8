"""Memory that the kernels write to, made once for a training."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reglab.core.engine.inputs import STRIP, empty_strips

LINE = 64


def aligned(count: int) -> NDArray[np.float32]:
    """Float32 zeros that begin at a cache line, so that vectors do not straddle two."""
    raw = np.zeros(count * 4 + LINE, np.uint8)
    first = -raw.ctypes.data % LINE
    return raw[first : first + count * 4].view(np.float32)


def make_workspace(widths: Sequence[int], batch: int) -> tuple[Any, ...]:
    """Outputs and deltas of all layers for a batch, one transposed matrix, and ``make_scratch``."""
    units = batch * sum(widths[1:])
    largest = max((a * b for a, b in itertools.pairwise(widths[1:])), default=1)
    return (
        aligned(units),
        aligned(units),
        aligned(largest),
        make_scratch(widths[0], batch, widths[1]),
    )


def make_scratch(columns: int, batch: int, units: int) -> tuple[Any, ...]:
    """For ``inputs.choose_rows`` and the first layer, batches of up to ``batch`` rows.

    Room for the gathered rows as in ``Inputs``, their numbers (batch,) int64, five lists of int64,
    and the gradient of a strip for ``units`` outputs.
    """
    longest = max(batch, columns) + 1
    return (
        aligned(batch * columns).reshape(batch, columns),
        np.zeros((batch, -(-columns // 64)), np.uint64),
        *empty_strips(batch, columns),
        np.arange(batch),
        tuple(np.zeros(longest, np.int64) for _ in range(5)),
        aligned(STRIP * units).reshape(STRIP, units),
    )
