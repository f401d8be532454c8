"""Makes compiled code understand ``core.elementary``: the same formulas, so the same bits."""

from __future__ import annotations

from typing import Any

from numba.extending import overload, register_jitable

from reglab.core import elementary
from reglab.core.engine.compiler import OPTIONS, kernel

for _function in (
    elementary.bits_of,
    elementary.of_bits,
    elementary.power_of_two,
    elementary.product_parts,
    elementary.log_parts,
    elementary.exp,
    elementary.exp_of_sum,
    elementary.log,
    elementary.power,
    elementary.sine_and_cosine,
):
    register_jitable(**OPTIONS)(_function)


@overload(elementary.where, jit_options=OPTIONS)
def _where(condition: Any, yes: Any, no: Any) -> Any:
    def choose(condition: Any, yes: Any, no: Any) -> Any:
        return yes if condition else no

    return choose


@kernel
def whole_power(base: float, exponent: int) -> float:
    """base^exponent for a whole exponent >= 0, by repeated squaring."""
    found = 1.0
    while exponent:
        if exponent & 1:
            found *= base
        exponent >>= 1
        base *= base
    return found
