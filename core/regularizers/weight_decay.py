"""L2 and L1 weight decay, applied in the optimizer's update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from reglab.core.regularizers.base import Decay, Regularizer
from reglab.core.spec import RunSpec


@dataclass(frozen=True)
class L2(Regularizer):
    """Adds lambda * theta to the update; biases too."""

    strength: float

    @classmethod
    def of(cls, spec: RunSpec) -> Self | None:
        """Active for ``regularization.l2`` above zero."""
        return cls(spec.regularization.l2) if spec.regularization.l2 else None

    def decay(self) -> Decay:
        """Lambda of the L2 term."""
        return Decay(l2=self.strength)


@dataclass(frozen=True)
class L1(Regularizer):
    """Adds lambda * sign(theta) to the update, or thresholds softly by lr * lambda after it."""

    strength: float
    proximal: bool

    @classmethod
    def of(cls, spec: RunSpec) -> Self | None:
        """Active for ``regularization.l1`` above zero."""
        wanted = spec.regularization
        return cls(wanted.l1, wanted.l1_method == "proximal") if wanted.l1 else None

    def decay(self) -> Decay:
        """Lambda of the L1 term and its method."""
        return Decay(l1=self.strength, proximal=self.proximal)
