"""LLVM vector instructions for compiled code, as wide as this machine's registers.

numba's loops leave it to LLVM which values stay in registers; in the few loops where nearly all
time goes, this module says it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils as _cgutils
from numba.core import config as _config
from numba.core import types as _types
from numba.extending import intrinsic

# None has type annotations.
cgutils: Any = _cgutils
types: Any = _types
config: Any = _config

_FLOAT, _INT, _SHORT = ir.FloatType(), ir.IntType(64), ir.IntType(32)


def _registers() -> tuple[int, int]:
    """Float32 lanes of a vector register, and how many such registers there are.

    Of the processor that numba compiles for: this one, or the one that NUMBA_CPU_FEATURES tells.
    """
    chosen: str | None = config.CPU_FEATURES
    features = llvm.get_host_cpu_features().flatten() if chosen is None else chosen
    has = {name.removeprefix("+") for name in features.split(",") if name.startswith("+")}
    if "avx512f" in has:
        return 16, 32
    if "avx" in has:
        return 8, 16
    return 4, 32 if "neon" in has else 16


LANES, REGISTERS = _registers()


class Emitter:
    """Writes instructions on vectors of ``lanes`` float32; entries are named by their address."""

    def __init__(self, builder: Any, lanes: int) -> None:
        self.builder = builder
        self.lanes = lanes
        self.vector = ir.VectorType(_FLOAT, lanes)

    def add(self, number: Any, more: int) -> Any:
        """A whole number and a constant."""
        return self.builder.add(number, _INT(more))

    def size(self, array: Any, axis: int) -> Any:
        """Length of an axis of an array."""
        return self.builder.extract_value(array.shape, axis)

    def entry(self, array: Any, *index: Any) -> Any:
        """Address of an entry of an array in C order: none, one or two indices."""
        at = index[0] if index else _INT(0)
        if len(index) == 2:
            width = self.size(array, 1)
            at = self.builder.add(self.builder.mul(at, width), index[1])
        return self.builder.gep(array.data, [at])

    def step(self, address: Any, count: Any, stride: Any = 1) -> Any:
        """Address ``count * stride`` entries further."""
        count, stride = (_INT(n) if isinstance(n, int) else n for n in (count, stride))
        return self.builder.gep(address, [self.builder.mul(count, stride)])

    def number(self, address: Any) -> Any:
        """The entry at an address; integers are widened to 64 bits."""
        value = self.builder.load(address)
        return value if value.type == _FLOAT else self.builder.sext(value, _INT)

    def load(self, address: Any, at: int = 0) -> Any:
        """The ``at``-th vector from an address on."""
        place = self.builder.bitcast(self.step(address, at, self.lanes), self.vector.as_pointer())
        return self.builder.load(place, align=4)

    def store(self, value: Any, address: Any, at: int = 0) -> None:
        """Write the ``at``-th vector from an address on."""
        place = self.builder.bitcast(self.step(address, at, self.lanes), self.vector.as_pointer())
        self.builder.store(value, place, align=4)

    def splat(self, value: Any) -> Any:
        """A vector whose lanes are all ``value``."""
        undefined = ir.Constant(self.vector, ir.Undefined)
        first = self.builder.insert_element(undefined, value, _SHORT(0))
        return self.shuffle(first, undefined, [0] * self.lanes)

    def shuffle(self, left: Any, right: Any, picks: list[int]) -> Any:
        """Lanes of two vectors by number; those of ``right`` begin at ``lanes``."""
        mask = ir.Constant(ir.VectorType(_SHORT, self.lanes), picks)
        return self.builder.shuffle_vector(left, right, mask)

    def fused(self, a: Any, b: Any, c: Any) -> Any:
        """a * b + c, rounded once: on a processor without such an instruction slowly."""
        kind = ir.FunctionType(self.vector, [self.vector] * 3)
        name = f"llvm.fma.v{self.lanes}f32"
        return self.builder.call(
            cgutils.get_or_insert_function(self.builder.module, kind, name), [a, b, c]
        )

    def variable(self, value: Any = None) -> Any:
        """A vector that changes in a loop, zero at first; LLVM keeps it in a register."""
        zero = ir.Constant(self.vector, [0.0] * self.lanes)
        return cgutils.alloca_once_value(self.builder, zero if value is None else value)

    def add_product(self, variable: Any, a: Any, b: Any) -> None:
        """variable += a * b."""
        self.builder.store(self.fused(a, b, self.builder.load(variable)), variable)

    def value(self, variable: Any) -> Any:
        """What a variable holds."""
        return self.builder.load(variable)

    def prefetch(self, address: Any) -> None:
        """Have the cache line of an address brought near; it will soon be read."""
        byte = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte, _SHORT, _SHORT, _SHORT])
        call = cgutils.get_or_insert_function(self.builder.module, kind, "llvm.prefetch.p0")
        place = self.builder.bitcast(address, byte)
        self.builder.call(call, [place, _SHORT(0), _SHORT(3), _SHORT(1)])

    def keep_apart(self) -> None:
        """Never inline the function that is being written: it is long and compiled once."""
        self.builder.function.attributes.add("noinline")

    @contextmanager
    def loop(self, count: Any) -> Iterator[Any]:
        """A loop over 0 <= index < count."""
        with cgutils.for_range(self.builder, count, intp=_INT) as inside:
            yield inside.index

    @contextmanager
    def parts(self, first: Any, last: Any, size: int) -> Iterator[tuple[Any, Any]]:
        """A loop over the parts of ``size`` that fit between two numbers: (index, end of all)."""
        left = self.builder.sub(last, first)
        end = self.builder.sub(last, self.builder.urem(left, _INT(size)))
        with cgutils.for_range_slice(self.builder, first, end, _INT(size), _INT) as (index, _):
            yield index, end

    def narrowed(self, lanes: int) -> Emitter:
        """For vectors of fewer lanes."""
        return self if lanes == self.lanes else Emitter(self.builder, lanes)

    def either(self, number: Any) -> Any:
        """Two blocks, for a number that is not 0 and one that is: ``with ... as (yes, no)``."""
        return self.builder.if_else(self.builder.fcmp_unordered("!=", number, number.type(0)))


def instruction(emit: Callable[..., None]) -> Any:
    """A function for compiled code; ``emit(emitter, *operands)`` writes its instructions.

    Operands are arrays in C order, whose addresses the emitter gives, int64 and float32 values.
    """

    @intrinsic
    def call(typing: Any, *kinds: Any) -> Any:
        wide = tuple(types.int64 if isinstance(kind, types.Integer) else kind for kind in kinds)

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            operands = [
                context.make_array(kind)(context, builder, value)
                if isinstance(kind, types.Array)
                else value
                for kind, value in zip(wide, cgutils.unpack_tuple(builder, values[0]), strict=True)
            ]
            emit(Emitter(builder, LANES), *operands)
            return context.get_dummy_value()

        return types.void(types.StarArgTuple(wide)), generate

    return call


@intrinsic
def _fused(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c of float32, rounded once."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        kind = ir.FunctionType(_FLOAT, [_FLOAT] * 3)
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.fma.f32")
        return builder.call(function, values)

    return types.float32(types.float32, types.float32, types.float32), generate


# An intrinsic's typing context is no argument of its callers.
fused: Any = _fused
