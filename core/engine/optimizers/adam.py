"""Adam (Kingma and Ba, 2015), and AdamW (Loshchilov and Hutter, 2019) with decoupled decay."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from reglab.core.engine.arrays import F32
from reglab.core.engine.compiled_elementary import whole_power
from reglab.core.engine.compiler import kernel
from reglab.core.engine.inputs import BatchInputs, Scratch
from reglab.core.engine.llvm_ir import fused
from reglab.core.engine.optimizers.base import Parameters, Step, sign, update_by_strips
from reglab.core.engine.workspace import aligned
from reglab.core.spec import Adam as AdamSpec


class AdamState(NamedTuple):
    """Moving averages of the gradient (m) and of its square (v), (P,) float32 each."""

    m: F32
    v: F32


class Adam(NamedTuple):
    """theta <- theta - lr (m / c1) / (sqrt(v / c2) + eps), with bias corrections c1 and c2.

    The step is computed as (lr sqrt(c2) / c1) m / (sqrt(v) + eps sqrt(c2)).

    Attributes:
        beta1: Decay of m.
        beta2: Decay of v.
        eps: Added to the root of v / c2.
        decoupled: Whether weight decay is applied beside the adaptive step (AdamW); if not, it is
            added to the gradient.
    """

    beta1: float
    beta2: float
    eps: float
    decoupled: bool

    @classmethod
    def of(cls, spec: AdamSpec) -> Adam:
        """The optimizer of a spec."""
        return cls(spec.beta1, spec.beta2, spec.eps, spec.decoupled)

    def make_state(self, count: int) -> AdamState:
        """The state before the first update of ``count`` parameters: zeros."""
        return AdamState(aligned(count), aligned(count))

    @kernel
    def update(
        self, theta: F32, gradient: F32, state: AdamState, low: int, high: int, step: Step
    ) -> None:
        """Update theta[low:high] by its gradient (high - low,)."""
        part, m, v = theta[low:high], state.m[low:high], state.v[low:high]
        root_c2 = np.sqrt(1.0 - whole_power(self.beta2, step.t))
        step_size = np.float32(step.lr * root_c2 / (1.0 - whole_power(self.beta1, step.t)))
        eps = np.float32(self.eps * root_c2)
        beta1, rest1 = np.float32(self.beta1), np.float32(1.0 - self.beta1)
        beta2, rest2 = np.float32(self.beta2), np.float32(1.0 - self.beta2)
        lr, l2, l1 = np.float32(step.lr), np.float32(step.l2), np.float32(step.l1)
        decays = step.l2 != 0 or step.l1 != 0
        for i in range(part.shape[0]):
            g = gradient[i]
            old = part[i]
            if decays and not self.decoupled:
                g = fused(l2, old, fused(l1, sign(old), g))
            m[i] = fused(beta1, m[i], rest1 * g)
            v[i] = fused(beta2, v[i], rest2 * g * g)
            new = old - step_size * m[i] / (np.sqrt(v[i]) + eps)
            if decays and self.decoupled:
                new = fused(-lr, fused(l2, old, l1 * sign(old)), new)
            part[i] = new

    @kernel
    def update_sparse(
        self, inputs: BatchInputs, delta: F32, scratch: Scratch, parameters: Parameters, step: Step
    ) -> None:
        """Update the first weights strip by strip."""
        update_by_strips(self, inputs, delta, scratch, parameters, step)
