"""The places where a regularizer may act on training; each does nothing unless overridden."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from reglab.core.spec import RunSpec


@dataclass(frozen=True)
class Sizes:
    """What regularizers need to know of a training.

    Attributes:
        examples: N, size of the training set.
        batches: Updates an epoch.
        hidden_units: Sum of the hidden widths.
    """

    examples: int
    batches: int
    hidden_units: int


@dataclass(frozen=True)
class Decay:
    """Weight decay: lambda of the L2 and of the L1 term, and whether L1 is a soft threshold."""

    l2: float = 0.0
    l1: float = 0.0
    proximal: bool = False


class Regularizer:
    """One method.

    Attributes:
        stream: Name of its random stream, or None if it draws nothing.
    """

    stream: str | None = None

    @classmethod
    def of(cls, spec: RunSpec) -> Self | None:
        """The regularizer that the spec asks for, or None."""
        raise NotImplementedError

    def targets(self, targets: NDArray[np.float32]) -> NDArray[np.float32]:
        """Change the training targets, (N, K) float32."""
        return targets

    def decay(self) -> Decay:
        """Weight decay to add to the update."""
        return Decay()

    def masks(self, rng: np.random.Generator, sizes: Sizes) -> NDArray[np.float32] | None:
        """One epoch's masks of hidden activations, (batches or examples, hidden_units)."""
        return None

    def shifts(self, rng: np.random.Generator, sizes: Sizes) -> NDArray[np.int64] | None:
        """One epoch's image shifts (dx, dy) in pixels, (batches, 2)."""
        return None
