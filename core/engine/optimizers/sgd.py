"""Stochastic gradient descent (Robbins and Monro, 1951)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from reglab.core.engine.arrays import F32
from reglab.core.engine.compiler import kernel
from reglab.core.engine.first_layer import add_gradient
from reglab.core.engine.inputs import BatchInputs, Scratch
from reglab.core.engine.layout import matrix
from reglab.core.engine.llvm_ir import fused
from reglab.core.engine.optimizers.base import Parameters, Step, sign
from reglab.core.engine.optimizers.momentum import Momentum
from reglab.core.spec import Sgd as SgdSpec


class SgdState(NamedTuple):
    """Plain SGD keeps nothing between updates."""


@kernel
def decay(theta: F32, step: Step) -> None:
    """theta <- theta - lr (l2 theta + l1 sign(theta)): the update without the gradient."""
    lr, l2, l1 = np.float32(step.lr), np.float32(step.l2), np.float32(step.l1)
    if step.l2 == 0 and step.l1 == 0:
        return
    if step.l1 == 0:
        kept = fused(-lr, l2, np.float32(1))
        for i in range(theta.shape[0]):
            theta[i] *= kept
    else:
        for i in range(theta.shape[0]):
            theta[i] = fused(-lr, fused(l2, theta[i], l1 * sign(theta[i])), theta[i])


class Sgd(NamedTuple):
    """theta <- theta - lr (gradient + l2 theta + l1 sign(theta))."""

    @classmethod
    def of(cls, spec: SgdSpec) -> Sgd | Momentum:
        """The optimizer of a spec."""
        if spec.momentum:
            return Momentum(spec.momentum, spec.nesterov, spec.decoupled)
        return cls()

    def make_state(self, count: int) -> SgdState:
        """The state before the first update of ``count`` parameters."""
        return SgdState()

    @kernel
    def update(
        self, theta: F32, gradient: F32, state: SgdState, low: int, high: int, step: Step
    ) -> None:
        """Update theta[low:high] by its gradient (high - low,)."""
        lr, l2, l1 = np.float32(step.lr), np.float32(step.l2), np.float32(step.l1)
        part = theta[low:high]
        if step.l2 == 0 and step.l1 == 0:
            for i in range(part.shape[0]):
                part[i] = fused(-lr, gradient[i], part[i])
        elif step.l1 == 0:
            for i in range(part.shape[0]):
                part[i] = fused(-lr, fused(l2, part[i], gradient[i]), part[i])
        else:
            for i in range(part.shape[0]):
                g = fused(l2, part[i], fused(l1, sign(part[i]), gradient[i]))
                part[i] = fused(-lr, g, part[i])

    @kernel
    def update_sparse(
        self, inputs: BatchInputs, delta: F32, scratch: Scratch, parameters: Parameters, step: Step
    ) -> None:
        """Decay the first weights, then add -lr times their gradient to those it is not zero of."""
        columns, units = inputs.dense.shape[1], delta.shape[1]
        decay(parameters.theta[: columns * units], step)
        weights = matrix(parameters.theta, 0, columns, units)
        add_gradient(inputs, delta, scratch, np.float32(-step.lr), weights)
