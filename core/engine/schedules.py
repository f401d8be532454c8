"""Learning rates over time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from reglab.core.elementary import power, sine_and_cosine
from reglab.core.engine.compiled_elementary import whole_power
from reglab.core.engine.compiler import kernel
from reglab.core.spec import RunSpec

POWER, CONSTANT, COSINE, STEP = range(4)
KINDS = {"power": POWER, "constant": CONSTANT, "cosine": COSINE, "step": STEP}


class Schedule(NamedTuple):
    """The learning rate by update, in float64; updates count from 1.

    One class has all kinds, as its branches cost nothing beside an update, while each class would
    have the kernels compiled anew.

    Attributes:
        kind: One of ``KINDS``, whose formulas are those of the models of ``core.spec.optimizer``.
        lr: The rate that the schedule begins with.
        warmup: Updates before it, in which the rate rises to ``lr``.
        alpha: Exponent of a power schedule.
        tau: Its time scale.
        end: What a cosine schedule approaches.
        length: Updates of a cosine schedule.
        factor: What a step multiplies the rate by.
        every: Updates from step to step.
    """

    kind: int
    lr: float
    warmup: int = 0
    alpha: float = 0.0
    tau: float = 1.0
    end: float = 0.0
    length: int = 1
    factor: float = 1.0
    every: int = 1

    @classmethod
    def of(cls, spec: RunSpec) -> Schedule:
        """The schedule of a run."""
        wanted = spec.optimizer.schedule
        settings = {name: getattr(wanted, name) for name in cls._fields if hasattr(wanted, name)}
        length = max(1, spec.steps() - wanted.warmup)
        return cls(KINDS[wanted.name], length=length, **settings)

    @kernel
    def rate(self, t: int) -> float:
        """The learning rate of the ``t``-th update."""
        t -= self.warmup
        if t <= 0:
            return self.lr * (t + self.warmup) / self.warmup
        if self.kind == POWER:
            return float(self.lr / power(1.0 + t / self.tau, self.alpha))
        if self.kind == COSINE:
            _, cosine = sine_and_cosine(np.pi * ((t - 1) / self.length))
            return float(self.end + (self.lr - self.end) * (0.5 * (1.0 + cosine)))
        if self.kind == STEP:
            return float(self.lr * whole_power(self.factor, (t - 1) // self.every))
        return self.lr
