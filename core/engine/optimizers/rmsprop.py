"""RMSprop (Tieleman and Hinton, 2012)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from reglab.core.engine.arrays import F32
from reglab.core.engine.compiler import kernel
from reglab.core.engine.inputs import BatchInputs, Scratch
from reglab.core.engine.llvm_ir import fused
from reglab.core.engine.optimizers.base import Parameters, Step, sign, update_by_strips
from reglab.core.engine.workspace import aligned
from reglab.core.spec.optimizer import Rmsprop as RmspropSpec


class RmspropState(NamedTuple):
    """Moving average of the squared gradient, and the velocity, (P,) float32 each."""

    squares: F32
    velocity: F32


class Rmsprop(NamedTuple):
    """s <- a s + (1 - a) g^2; v <- mu v + g / (sqrt(s) + eps); theta <- theta - lr v.

    Attributes:
        smoothing: a, the share of s that is kept.
        eps: Added to the root.
        mu: Share of the velocity that is kept.
        decoupled: Whether weight decay is applied beside the step; if not, it is added to the
            gradient.
    """

    smoothing: float
    eps: float
    mu: float
    decoupled: bool

    @classmethod
    def of(cls, spec: RmspropSpec) -> Rmsprop:
        """The optimizer of a spec."""
        return cls(spec.smoothing, spec.eps, spec.momentum, spec.decoupled)

    def make_state(self, count: int) -> RmspropState:
        """The state before the first update of ``count`` parameters: zeros."""
        return RmspropState(aligned(count), aligned(count))

    @kernel
    def update(
        self, theta: F32, gradient: F32, state: RmspropState, low: int, high: int, step: Step
    ) -> None:
        """Update theta[low:high] by its gradient (high - low,)."""
        part = theta[low:high]
        squares, velocity = state.squares[low:high], state.velocity[low:high]
        lr, l2, l1 = np.float32(step.lr), np.float32(step.l2), np.float32(step.l1)
        kept, rest = np.float32(self.smoothing), np.float32(1.0 - self.smoothing)
        eps, mu = np.float32(self.eps), np.float32(self.mu)
        decays = step.l2 != 0 or step.l1 != 0
        for i in range(part.shape[0]):
            g, old = gradient[i], part[i]
            if decays and not self.decoupled:
                g = fused(l2, old, fused(l1, sign(old), g))
            squares[i] = fused(kept, squares[i], rest * g * g)
            move = fused(mu, velocity[i], g / (np.sqrt(squares[i]) + eps))
            velocity[i] = move
            if decays and self.decoupled:
                move = fused(l2, old, fused(l1, sign(old), move))
            part[i] = fused(-lr, move, old)

    @kernel
    def update_sparse(
        self, inputs: BatchInputs, delta: F32, scratch: Scratch, parameters: Parameters, step: Step
    ) -> None:
        """Update the first weights strip by strip."""
        update_by_strips(self, inputs, delta, scratch, parameters, step)
