"""Gradients that are formed as a whole before the optimizer uses them, and what is done to them.

Where nothing is done, the optimizer updates the first weights while their gradient is in the cache.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba.extending import overload

from reglab.core.engine.arrays import F32, I64
from reglab.core.engine.by_type import kernel_of
from reglab.core.engine.compiler import OPTIONS, kernel
from reglab.core.engine.first_layer import multiply_strip
from reglab.core.engine.gemm import multiply_transposed
from reglab.core.engine.inputs import STRIP, BatchInputs, Scratch
from reglab.core.engine.layout import matrix, weight_start
from reglab.core.engine.optimizers.base import Parameters, Step, begin

_change = kernel_of("change")
_update = kernel_of("update")


@kernel
def norm_of(values: F32) -> float:
    """Euclidean norm of a vector, in float64.

    Eight sums, as one would wait for each addition; they are added in a fixed order.
    """
    a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = 0.0
    whole = values.shape[0] // 8 * 8
    for i in range(0, whole, 8):
        a0 += np.float64(values[i]) * np.float64(values[i])
        a1 += np.float64(values[i + 1]) * np.float64(values[i + 1])
        a2 += np.float64(values[i + 2]) * np.float64(values[i + 2])
        a3 += np.float64(values[i + 3]) * np.float64(values[i + 3])
        a4 += np.float64(values[i + 4]) * np.float64(values[i + 4])
        a5 += np.float64(values[i + 5]) * np.float64(values[i + 5])
        a6 += np.float64(values[i + 6]) * np.float64(values[i + 6])
        a7 += np.float64(values[i + 7]) * np.float64(values[i + 7])
    for i in range(whole, values.shape[0]):
        a0 += np.float64(values[i]) * np.float64(values[i])
    return float(np.sqrt(((a0 + a1) + (a2 + a3)) + ((a4 + a5) + (a6 + a7))))


class ClipNorm(NamedTuple):
    """Shortens the gradient to a largest norm (Pascanu, Mikolov and Bengio, 2013).

    Attributes:
        longest: The largest Euclidean norm of the gradient by all parameters.
    """

    longest: float

    @kernel
    def change(self, gradient: F32) -> None:
        """Shorten the gradient (P,) in place."""
        length = norm_of(gradient)
        if length > self.longest:
            scale = np.float32(self.longest / length)
            for i in range(gradient.shape[0]):
                gradient[i] *= scale


@kernel
def form_first(inputs: BatchInputs, delta: F32, scratch: Scratch, gradient: F32) -> None:
    """Write the gradient of the first weights to where it is in ``gradient`` (P,)."""
    first = matrix(gradient, 0, inputs.dense.shape[1], delta.shape[1])
    if inputs.is_sparse:
        for strip in range(inputs.strips.shape[0]):
            multiply_strip(strip, inputs, delta, scratch.lists, strip * STRIP, first, np.float32(0))
    else:
        multiply_transposed(inputs.dense, delta, first)


def change_all(changes: Any, gradient: F32) -> None:
    """Apply each of a tuple of changes to the gradient, in order."""
    raise NotImplementedError("change_all is for compiled code alone.")


@overload(change_all, jit_options=OPTIONS)
def _change_all(changes: Any, gradient: Any) -> Any:
    def nothing(changes: Any, gradient: Any) -> Any:
        pass

    def first_and_rest(changes: Any, gradient: Any) -> Any:
        _change(changes[0], gradient)
        change_all(changes[1:], gradient)

    return first_and_rest if len(changes) else nothing


class SpareBiases(NamedTuple):
    """Says that biases do not decay."""


def update_from(
    spared: Any,
    optimizer: Any,
    parameters: Parameters,
    widths: I64,
    low: int,
    step: Step,
) -> None:
    """Update the parameters from ``low`` on: 0, or the end of the first weights."""
    raise NotImplementedError("update_from is for compiled code alone.")


@overload(update_from, jit_options=OPTIONS)
def _update_from(
    spared: Any, optimizer: Any, parameters: Any, widths: Any, low: Any, step: Any
) -> Any:
    def all_alike(
        spared: Any, optimizer: Any, parameters: Any, widths: Any, low: Any, step: Any
    ) -> Any:
        theta, gradient = parameters.theta, parameters.gradient
        _update(optimizer, theta, gradient[low:], parameters.state, low, theta.shape[0], step)

    def by_layer(
        spared: Any, optimizer: Any, parameters: Any, widths: Any, low: Any, step: Any
    ) -> Any:
        theta, gradient, state = parameters.theta, parameters.gradient, parameters.state
        without = Step(step.t, step.lr, 0.0, 0.0)
        for layer in range(widths.shape[0] - 1):
            first = weight_start(widths, layer)
            middle = first + widths[layer] * widths[layer + 1]
            end = middle + widths[layer + 1]
            if low < middle:
                _update(optimizer, theta, gradient[first:middle], state, first, middle, step)
            _update(optimizer, theta, gradient[middle:end], state, middle, end, without)

    return by_layer if len(spared) else all_alike


def descend(
    optimizer: Any,
    changes: Any,
    spared: Any,
    widths: I64,
    parameters: Parameters,
    inputs: BatchInputs,
    delta: F32,
    scratch: Scratch,
    step: Step,
) -> None:
    """Update all parameters by their gradient, after the ``changes`` to it.

    ``delta`` (B, n) is the derivative of the loss by the first layer's sums; all other gradients
    are in ``parameters.gradient``.
    """
    raise NotImplementedError("descend is for compiled code alone.")


@overload(descend, jit_options=OPTIONS, inline="always")
def _descend(
    optimizer: Any,
    changes: Any,
    spared: Any,
    widths: Any,
    parameters: Any,
    inputs: Any,
    delta: Any,
    scratch: Any,
    step: Any,
) -> Any:
    def at_once(
        optimizer: Any,
        changes: Any,
        spared: Any,
        widths: Any,
        parameters: Any,
        inputs: Any,
        delta: Any,
        scratch: Any,
        step: Any,
    ) -> Any:
        low = begin(optimizer, parameters, inputs, delta, scratch, step)
        update_from(spared, optimizer, parameters, widths, low, step)

    def as_a_whole(
        optimizer: Any,
        changes: Any,
        spared: Any,
        widths: Any,
        parameters: Any,
        inputs: Any,
        delta: Any,
        scratch: Any,
        step: Any,
    ) -> Any:
        form_first(inputs, delta, scratch, parameters.gradient)
        change_all(changes, parameters.gradient)
        update_from(spared, optimizer, parameters, widths, 0, step)

    return as_a_whole if len(changes) else at_once
