"""The places where a regularizer may act on training; each does nothing unless overridden."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from reglab.core.datasets.base import Dataset, Examples
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


@dataclass(frozen=True)
class Epoch:
    """One epoch's training examples, in the order of its batches.

    Attributes:
        inputs: (N, d) float32; may be changed in place.
        targets: (N, K) float32; may be changed in place.
        batch_size: B; the last batch may be shorter.
        image_shape: (rows, columns) where a row of inputs is an image, else None.
    """

    inputs: NDArray[np.float32]
    targets: NDArray[np.float32]
    batch_size: int
    image_shape: tuple[int, int] | None

    def images(self) -> NDArray[np.float32]:
        """The inputs as images, a view (N, rows, columns)."""
        assert self.image_shape is not None
        return self.inputs.reshape(-1, *self.image_shape)


class Regularizer:
    """One method.

    Attributes:
        stream: Name of its random stream, or None if it draws nothing.
        rewrites: Whether it has ``redraw`` or ``rewrite``; the examples are then laid out anew in
            each epoch.
    """

    stream: str | None = None
    rewrites: ClassVar[bool] = False

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

    def redraw(self, rng: np.random.Generator, data: Dataset) -> Examples | None:
        """Other training examples for this epoch, as many as there were, or None."""
        return None

    def rewrite(self, rng: np.random.Generator, epoch: Epoch) -> Epoch:
        """The examples to train on in this epoch, of the same shapes."""
        return epoch
