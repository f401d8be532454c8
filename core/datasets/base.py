"""What a dataset is to the engine, and what a loader must offer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Examples = tuple[NDArray[np.float32], NDArray[np.int64]]


@dataclass(frozen=True)
class Dataset:
    """A training and a test part.

    Attributes:
        x_train: Inputs, (N, d) float32, C order.
        y_train: Labels from 0, (N,) int64.
        x_test: Inputs, (M, d) float32, C order.
        y_test: Labels, (M,) int64.
        n_classes: K.
        image_shape: (rows, columns) where a row of x is an image, else None.
        class_names: K names.
        provenance: JSON: source, licence, and the sha256 of every file that was read.
        x_validation: Inputs held out of the training part, (V, d) float32, or None.
        y_validation: Their labels, (V,) int64, or None.
        offset: What was subtracted from every row of all inputs, (d,) float32, or None; images are
            augmented before it is.
        redraw: Draws other training examples, x (N, d) and y (N,), where there are any.
    """

    x_train: NDArray[np.float32]
    y_train: NDArray[np.int64]
    x_test: NDArray[np.float32]
    y_test: NDArray[np.int64]
    n_classes: int
    image_shape: tuple[int, int] | None
    class_names: tuple[str, ...]
    provenance: dict[str, Any] = field(default_factory=dict)
    x_validation: NDArray[np.float32] | None = None
    y_validation: NDArray[np.int64] | None = None
    offset: NDArray[np.float32] | None = None
    redraw: Callable[[np.random.Generator], Examples] | None = None


class Loader(Protocol):
    """One dataset family; a module in this package that is listed in the registry."""

    title: str
    source: str
    licence: str

    def check(self, spec: Any) -> None:
        """Raise DatasetUnavailableError if ``load`` would fail; may download the files once."""

    def digests(self, spec: Any) -> dict[str, str]:
        """The sha256 of every file that ``load`` would read, by name; empty if it reads none."""

    def load(self, spec: Any, rng: np.random.Generator) -> Dataset:
        """Build the dataset; ``rng`` is the run's data stream."""
