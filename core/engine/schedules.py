"""Learning rates over time."""

from __future__ import annotations

from typing import NamedTuple

from reglab.core.elementary import power
from reglab.core.engine import compiled_elementary  # noqa: F401 # so that power compiles
from reglab.core.engine.compiler import kernel
from reglab.core.spec import Schedule


class Power(NamedTuple):
    """lr / (1 + t / tau) ** alpha in float64; t counts updates from 1."""

    lr: float
    alpha: float
    tau: float

    @classmethod
    def of(cls, spec: Schedule) -> Power:
        """The schedule of a spec."""
        return cls(spec.lr, spec.alpha, spec.tau)

    @kernel
    def rate(self, t: int) -> float:
        """The learning rate of the ``t``-th update."""
        return float(self.lr / power(1.0 + t / self.tau, self.alpha))
