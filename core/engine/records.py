"""What a training tells and what it needs to go on."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True)
class Evaluation:
    """Mean loss and accuracy on clean data with dropout off, after ``epoch`` epochs.

    The loss is the one that is trained on, without its regularizers: cross-entropy, or for
    ``model.loss`` 'squared' half the squared distance. ``validation_*`` are None without a
    validation split; then ``train_*`` are of all training examples, else of those not held out.
    ``average_*`` are of the averaged weights, and None without an average.
    """

    epoch: int
    step: int
    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None
    # Digests on file are of representations without them.
    average_train_loss: float | None = field(default=None, repr=False)
    average_train_accuracy: float | None = field(default=None, repr=False)
    average_test_loss: float | None = field(default=None, repr=False)
    average_test_accuracy: float | None = field(default=None, repr=False)

    def document(self) -> dict[str, Any]:
        """As JSON, without what is None."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Checkpoint:
    """All that a training needs to go on to the same bits: arrays, and a state that is JSON."""

    arrays: dict[str, NDArray[Any]]
    state: dict[str, Any]
