"""Innermost loops of matrix products, with all their sums in registers.

A tile keeps rows x vectors sums while it goes along the inner dimension (Goto and van de Geijn,
2008, "Anatomy of high-performance matrix multiplication"). Each sum adds its products in order,
with fused multiply-adds, so that a result depends neither on the tile's shape nor on how wide the
machine's vectors are. A product is covered by tall tiles, then shorter ones, of blocks of columns,
wide ones first. Matrices are float32 in C order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reglab.core.engine.llvm_ir import LANES, REGISTERS, Emitter, instruction

# Tallest tile of two vectors a row: its sums, two vectors of b and one of a fit the registers.
_ROWS = 8 if REGISTERS == 32 else 6
_BLOCKS = [(2, LANES), (1, LANES), *((1, lanes) for lanes in (8, 4, 2, 1) if lanes < LANES)]
# Listed tiles need an address a row besides, of which there are few: fewer rows, wider instead.
LISTED_ROWS = 6
_LISTED_BLOCKS = [(4 if REGISTERS == 32 else 2, LANES), (1, LANES), (1, 4), (1, 1)]


def _product(to: Emitter, a: Any, down: Any, along: Any, inner: Any, b: Any, out: Any) -> None:
    """product(a, down, along, inner, b, out).

    Sets out (M, N) to the sum over k < inner of a[i, k] b[k, j], where a[i, k] is element
    i * down + k * along of the array a.
    """
    to.keep_apart()
    first = down.type(0)
    for height in dict.fromkeys((_ROWS, 4, 2, 1)):
        with to.parts(first, to.size(out, 0), height) as (i, end):
            corner = to.step(to.entry(a), i, down)
            for strip, vectors, j in _column_blocks(to, _BLOCKS, to.size(out, 1)):
                sums = [[strip.variable() for _ in range(vectors)] for _ in range(height)]
                with to.loop(inner) as k:
                    column = to.step(corner, k, along)
                    lefts = [to.step(column, row, down) for row in range(height)]
                    _add_products(strip, sums, lefts, to.entry(b, k, j))
                for row in range(height):
                    _store(strip, sums[row], to.entry(out, to.add(i, row), j))
        first = end


def _listed_product(
    to: Emitter,
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
    """listed_product(a, bases, across, b, down, count, targets, rows, out, scale).

    Forms S (rows, N), where S[i] is the sum over n < count of a[bases[i] + across[n]] times the N
    numbers of b from down[n] on; positions in the arrays a and b are counted in elements. Then
    out[targets[i]] += scale * S[i] for i < rows, or = S[i] if ``scale`` is 0.
    """
    to.keep_apart()
    first = count.type(0)
    for height in (LISTED_ROWS, 2, 1):
        with to.parts(first, rows, height) as (i, end):
            starts = [
                to.step(to.entry(a), to.number(to.entry(bases, to.add(i, row))))
                for row in range(height)
            ]
            lines = [to.number(to.entry(targets, to.add(i, row))) for row in range(height)]
            for strip, vectors, j in _column_blocks(to, _LISTED_BLOCKS, to.size(out, 1)):
                sums = [[strip.variable() for _ in range(vectors)] for _ in range(height)]
                with to.loop(count) as n:
                    offset = to.number(to.entry(across, n))
                    lefts = [to.step(start, offset) for start in starts]
                    line = to.step(to.step(to.entry(b), to.number(to.entry(down, n))), j)
                    _add_products(strip, sums, lefts, line)
                _store_or_add(strip, sums, [to.entry(out, line, j) for line in lines], scale)
        first = end


def _column_blocks(
    to: Emitter, kinds: list[tuple[int, int]], columns: Any
) -> Iterator[tuple[Emitter, int, Any]]:
    """Loops over blocks of columns: emitter of its lanes, its vectors, its first column."""
    first = columns.type(0)
    for vectors, lanes in kinds:
        with to.parts(first, columns, vectors * lanes) as (j, end):
            yield to.narrowed(lanes), vectors, j
        first = end


def _add_products(to: Emitter, sums: list[list[Any]], lefts: list[Any], line: Any) -> None:
    """Add to each row of sums its left number times the vectors from ``line`` on."""
    right = [to.load(line, at) for at in range(len(sums[0]))]
    for left, row in zip(lefts, sums, strict=True):
        value = to.splat(to.number(left))
        for at, total in enumerate(row):
            to.add_product(total, value, right[at])


def _store(to: Emitter, sums: list[Any], line: Any) -> None:
    for at, total in enumerate(sums):
        to.store(to.value(total), line, at)


def _store_or_add(to: Emitter, sums: list[list[Any]], lines: list[Any], scale: Any) -> None:
    with to.either(scale) as (yes, no):
        with yes:
            factor = to.splat(scale)
            for line, row in zip(lines, sums, strict=True):
                for at, total in enumerate(row):
                    to.store(to.fused(factor, to.value(total), to.load(line, at)), line, at)
        with no:
            for line, row in zip(lines, sums, strict=True):
                _store(to, row, line)


def _prefetch(to: Emitter, a: Any, at: Any) -> None:
    """prefetch(a, at): brings element ``at`` of the array a, and its neighbours, near."""
    to.prefetch(to.step(to.entry(a), at))


def _block(to: Emitter, a: Any, i: Any, j: Any, out: Any) -> None:
    """block(a, i, j, out): sets out[j:j+LANES, i:i+LANES] to a[i:i+LANES, j:j+LANES] transposed."""
    lines = [to.load(to.entry(a, to.add(i, at), j)) for at in range(LANES)]
    # Swap bit after bit of row and column number: rows a step apart exchange lanes.
    step = 1
    while step < LANES:
        low = [n - step + LANES if n & step else n for n in range(LANES)]
        high = [n + LANES if n & step else n + step for n in range(LANES)]
        for row in range(LANES):
            if not row & step:
                pair = lines[row], lines[row + step]
                lines[row] = to.shuffle(*pair, low)
                lines[row + step] = to.shuffle(*pair, high)
        step *= 2
    for at in range(LANES):
        to.store(lines[at], to.entry(out, to.add(j, at), i))


product = instruction(_product)
listed_product = instruction(_listed_product)
prefetch = instruction(_prefetch)
block = instruction(_block)
