"""Matrix products of the sizes that training needs, where a BLAS call costs more than its work."""

from __future__ import annotations

import numpy as np

from reglab.core.engine.arrays import F32
from reglab.core.engine.compiler import inlined, kernel
from reglab.core.engine.llvm_ir import LANES
from reglab.core.engine.microkernels import block, product

Size = int | np.int64


@kernel
def _strided(a: F32, down: Size, along: Size, inner: Size, b: F32, out: F32) -> None:
    # A function of its own, so that the product is compiled once for all who call it.
    product(a, down, along, inner, b, out)


@inlined
def multiply(a: F32, b: F32, out: F32) -> None:
    """out (M, N) <- a (M, K) b (K, N); all float32 in C order."""
    _strided(a, a.shape[1], np.int64(1), a.shape[1], b, out)


@inlined
def multiply_transposed(a: F32, b: F32, out: F32) -> None:
    """out (M, N) <- a^T b for a (K, M), b (K, N); all float32 in C order."""
    _strided(a, np.int64(1), a.shape[1], a.shape[0], b, out)


@kernel
def transpose(a: F32, out: F32) -> None:
    """out (N, M) <- a^T for a (M, N); both float32 in C order."""
    rows, columns = a.shape
    whole, wide = rows - rows % LANES, columns - columns % LANES
    for i in range(0, whole, LANES):
        for j in range(0, wide, LANES):
            block(a, i, j, out)
    for i in range(whole):
        for j in range(wide, columns):
            out[j, i] = a[i, j]
    for i in range(whole, rows):
        for j in range(columns):
            out[j, i] = a[i, j]
