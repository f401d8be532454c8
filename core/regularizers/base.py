"""The places where a regularizer may act on training; each does nothing unless overridden."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from reglab.core.datasets.base import Dataset, Examples
from reglab.core.spec import RunSpec


@dataclass(frozen=True)
class Sizes:
    """What regularizers need to know of a training.

    Attributes:
        examples: N, size of the training set.
        batches: Updates per epoch.
        hidden: The hidden widths.
    """

    examples: int
    batches: int
    hidden: tuple[int, ...]


class Penalty(NamedTuple):
    """A penalty l2 |theta|^2 / 2 + l1 |theta|_1, whose gradient is added to that of the loss."""

    l2: float = 0.0
    l1: float = 0.0


class Masks(NamedTuple):
    """One epoch's factors of the hidden activations.

    Attributes:
        values: (batches or examples, hidden units) float32; 0 for a dropped unit, 1 / keep for a
            kept one.
        per_example: Whether there is a row per example in the epoch's order, else per batch.
        keep: Chance of a unit of each hidden layer to be kept, (L - 1,) float32.
        is_on: Whether activations are masked at all.
    """

    values: NDArray[np.float32]
    per_example: bool
    keep: NDArray[np.float32]
    is_on: bool = True


NO_MASKS = Masks(np.ones((1, 1), np.float32), False, np.ones(1, np.float32), is_on=False)


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
        changes_inputs: Whether it has ``examples`` or ``inputs``; the examples are then laid out
            again in each epoch.
        shifts_inputs: Whether it has ``shifts``.
    """

    stream: str | None = None
    changes_inputs: ClassVar[bool] = False
    shifts_inputs: ClassVar[bool] = False

    @classmethod
    def of(cls, spec: RunSpec) -> Self | None:
        """The regularizer that the spec asks for, or None."""
        raise NotImplementedError

    def targets(self, targets: NDArray[np.float32]) -> NDArray[np.float32]:
        """Change the training targets, (N, K) float32."""
        return targets

    def examples(self, rng: np.random.Generator, data: Dataset) -> Examples | None:
        """Other training examples for this epoch, as many as there were, or None."""
        return None

    def inputs(self, rng: np.random.Generator, epoch: Epoch) -> Epoch:
        """The examples to train on in this epoch, of the same shapes."""
        return epoch

    def shifts(self, rng: np.random.Generator, sizes: Sizes) -> NDArray[np.int64] | None:
        """One epoch's image shifts (dx, dy) in pixels, (batches, 2)."""
        return None

    def activations(self, rng: np.random.Generator, sizes: Sizes) -> Masks | None:
        """One epoch's masks of the hidden activations."""
        return None

    def gradient(self) -> Penalty:
        """What is added to the gradient in each update."""
        return Penalty()

    def after_update(self) -> Any:
        """A ``NamedTuple`` with a kernel ``after_update(self, theta, widths, lr)``, or None.

        The kernel may change the parameters ``theta`` (P,), the flat vector [W0, b0, W1, b1, ...]
        of which ``engine.layout`` gives the parts, after each update with the rate ``lr``. Several
        regularizers act in the order of ``REGISTRY``. The class is in a module of ``core.engine``
        that is imported in this method, as a server that trains nothing does not load numba.
        """
        return None
