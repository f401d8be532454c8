"""What optimizers share.

An optimizer is a ``NamedTuple`` of its settings whose class has

- ``of(spec)``, which makes it from its spec;
- ``make_state(count)``, which makes what it keeps between the updates of ``count`` parameters: a
  ``NamedTuple`` of float32 arrays (P,), by their names in checkpoints, where ``theta`` and
  ``best_theta`` are taken;
- ``update(self, theta, gradient, state, low, high, step)``, a kernel that updates the parameters
  ``low`` to ``high`` of ``theta`` (P,) by their gradient (high - low,), decay included;
- ``update_sparse(self, inputs, delta, scratch, parameters, step)``, a kernel that updates the first
  layer's weights where most inputs are zero: ``update_by_strips`` fits any optimizer.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from reglab.core.engine.arrays import F32, Bools
from reglab.core.engine.by_type import kernel_of
from reglab.core.engine.compiler import inlined, kernel
from reglab.core.engine.first_layer import multiply_strip
from reglab.core.engine.gemm import multiply_transposed
from reglab.core.engine.inputs import STRIP, BatchInputs, Scratch
from reglab.core.engine.layout import matrix


class Parameters(NamedTuple):
    """What training changes.

    Attributes:
        theta: The parameters, (P,) float32, laid out as ``layout`` says.
        gradient: Their gradient, (P,) float32.
        state: The optimizer's.
        moving: False for strips of inputs whose gradient and decay are always zero,
            (ceil(d / W),) bool.
    """

    theta: F32
    gradient: F32
    state: Any
    moving: Bools


class Step(NamedTuple):
    """One update.

    Attributes:
        t: Its number, from 1.
        lr: Its learning rate.
        l2: Coefficient of the L2 penalty, whose gradient is l2 * theta.
        l1: Coefficient of the L1 penalty, whose subgradient is l1 * sign(theta).
    """

    t: int
    lr: float
    l2: float
    l1: float


_update = kernel_of("update")
_update_sparse = kernel_of("update_sparse")


@kernel
def sign(value: np.float32) -> np.float32:
    """-1, 0 or 1; 0 for NaN."""
    one, zero = np.float32(1), np.float32(0)
    if value > zero:
        return one
    if value < zero:
        return -one
    return zero


@inlined
def begin(
    optimizer: Any,
    parameters: Parameters,
    inputs: BatchInputs,
    delta: F32,
    scratch: Scratch,
    step: Step,
) -> int:
    """Form the gradient of the first weights, and update them meanwhile if inputs are sparse.

    ``delta`` (B, n) is the derivative of the loss by the first layer's sums. Returns from which
    parameter on there is more to update.
    """
    columns, units = inputs.dense.shape[1], delta.shape[1]
    if inputs.is_sparse:
        _update_sparse(optimizer, inputs, delta, scratch, parameters, step)
        return int(columns * units)
    multiply_transposed(inputs.dense, delta, matrix(parameters.gradient, 0, columns, units))
    return 0


@inlined
def update_by_strips(
    optimizer: Any,
    inputs: BatchInputs,
    delta: F32,
    scratch: Scratch,
    parameters: Parameters,
    step: Step,
) -> None:
    """Update the first weights strip by strip, while each strip's gradient is in the cache."""
    units = delta.shape[1]
    gradient = scratch.gradient.reshape(scratch.gradient.size)
    for strip in range(inputs.strips.shape[0]):
        if not parameters.moving[strip]:
            continue
        multiply_strip(strip, inputs, delta, scratch.lists, 0, scratch.gradient, np.float32(0))
        low = strip * STRIP * units
        high = min(low + STRIP * units, inputs.dense.shape[1] * units)
        _update(
            optimizer, parameters.theta, gradient[: high - low], parameters.state, low, high, step
        )
