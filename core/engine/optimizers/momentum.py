"""SGD with momentum (Polyak, 1964), and Nesterov's form of it (Sutskever et al., 2013)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from reglab.core.engine.arrays import F32
from reglab.core.engine.compiler import kernel
from reglab.core.engine.inputs import BatchInputs, Scratch
from reglab.core.engine.llvm_ir import fused
from reglab.core.engine.optimizers.base import Parameters, Step, sign, update_by_strips
from reglab.core.engine.workspace import aligned


class MomentumState(NamedTuple):
    """The velocity, (P,) float32."""

    velocity: F32


class Momentum(NamedTuple):
    """v <- mu v + g; theta <- theta - lr v, or with Nesterov's form theta - lr (g + mu v).

    Attributes:
        mu: Share of the velocity that is kept.
        nesterov: Whether to use Nesterov's form.
        decoupled: Whether weight decay is applied beside the step (Loshchilov and Hutter, 2019);
            if not, it is added to the gradient and enters the velocity.
    """

    mu: float
    nesterov: bool
    decoupled: bool

    def make_state(self, count: int) -> MomentumState:
        """The state before the first update of ``count`` parameters: zeros."""
        return MomentumState(aligned(count))

    @kernel
    def update(
        self, theta: F32, gradient: F32, state: MomentumState, low: int, high: int, step: Step
    ) -> None:
        """Update theta[low:high] by its gradient (high - low,)."""
        part, velocity = theta[low:high], state.velocity[low:high]
        lr, l2, l1 = np.float32(step.lr), np.float32(step.l2), np.float32(step.l1)
        mu = np.float32(self.mu)
        decays = step.l2 != 0 or step.l1 != 0
        for i in range(part.shape[0]):
            g, old = gradient[i], part[i]
            if decays and not self.decoupled:
                g = fused(l2, old, fused(l1, sign(old), g))
            v = fused(mu, velocity[i], g)
            velocity[i] = v
            move = fused(mu, v, g) if self.nesterov else v
            if decays and self.decoupled:
                move = fused(l2, old, fused(l1, sign(old), move))
            part[i] = fused(-lr, move, old)

    @kernel
    def update_sparse(
        self, inputs: BatchInputs, delta: F32, scratch: Scratch, parameters: Parameters, step: Step
    ) -> None:
        """Update the first weights strip by strip."""
        update_by_strips(self, inputs, delta, scratch, parameters, step)
