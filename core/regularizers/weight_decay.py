"""L2 and L1 weight decay, applied in the optimizer's update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from reglab.core.regularizers.base import Penalty, Regularizer
from reglab.core.spec import RunSpec


@dataclass(frozen=True)
class L2(Regularizer):
    """Adds lambda * theta to the update, or lambda / N * theta where lambda is of a penalty."""

    strength: float

    @classmethod
    def of(cls, spec: RunSpec) -> Self | None:
        """Active for ``regularization.l2`` above zero."""
        wanted = spec.regularization
        over = spec.train_count() if wanted.l2_convention == "penalty" else 1
        return cls(wanted.l2 / over) if wanted.l2 else None

    def gradient(self) -> Penalty:
        """The strength times theta."""
        return Penalty(l2=self.strength)


@dataclass(frozen=True)
class L1(Regularizer):
    """Adds lambda * sign(theta) to the update, or thresholds softly by lr * lambda after it."""

    strength: float
    proximal: bool
    spares_biases: bool

    @classmethod
    def of(cls, spec: RunSpec) -> Self | None:
        """Active for ``regularization.l1`` above zero."""
        wanted = spec.regularization
        return (
            cls(wanted.l1, wanted.l1_method == "proximal", not wanted.decay_biases)
            if wanted.l1
            else None
        )

    def gradient(self) -> Penalty:
        """lambda * sign(theta), unless the proximal step takes its place."""
        return Penalty() if self.proximal else Penalty(l1=self.strength)

    def after_update(self) -> Any:
        """The proximal step, if asked for."""
        # Numba is loaded when something is trained.
        from reglab.core.engine.proximal import SoftThreshold

        return SoftThreshold(self.strength, self.spares_biases) if self.proximal else None
