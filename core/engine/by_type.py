"""Kernels that call a kernel of their argument's class, chosen when they are compiled."""

from __future__ import annotations

from typing import Any

from numba.extending import overload

from reglab.core.engine.compiler import OPTIONS


def kernel_of(name: str) -> Any:
    """A function for compiled code that calls the kernel ``name`` of its first argument.

    The first argument is a ``NamedTuple`` whose class has that kernel as a method. numba compiles
    its caller once per class, so that the call costs nothing at run time.
    """

    def call(this: Any, *arguments: Any) -> Any:
        raise NotImplementedError(f"{name} is for compiled code alone.")

    @overload(call, jit_options=OPTIONS)
    def choose(this: Any, *arguments: Any) -> Any:
        found = getattr(this.instance_class, name)

        def implementation(this: Any, *arguments: Any) -> Any:
            return found(this, *arguments)

        return implementation

    return call
