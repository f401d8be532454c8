"""A few training images before and after augmentation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from reglab.core.datasets.base import Dataset
from reglab.core.engine import Network
from reglab.core.engine.random_streams import stream
from reglab.core.probes.base import Arrays, FinalProbe, Stored
from reglab.core.regularizers import Epoch, Regularizer, Sizes, active
from reglab.core.regularizers.shift import Shift
from reglab.core.spec import RunSpec

COUNT = 8


class AugmentedExamples(FinalProbe):
    """Stores augmentation.before and augmentation.after, (8, d) float32 each.

    The augmentation is that of the run, but made to change every image, from a stream of its own.
    """

    stores: ClassVar[tuple[Stored, ...]] = (
        Stored({"augmentation.before": ("shown", "d"), "augmentation.after": ("shown", "d")}),
    )

    @classmethod
    def of(cls, spec: RunSpec, data: Dataset, seed: int) -> Self | None:
        """On where images are augmented."""
        wanted = spec.regularization.augmentation and data.image_shape
        return cls(spec, data, seed) if wanted else None

    def finish(self, network: Network) -> tuple[Arrays, dict[str, Any]]:
        """The first images of the training set, as they are and as they are trained on."""
        before = self.data.x_train[:COUNT].copy()
        (method,) = [r for r in active(self.spec) if r.stream == "augmentation"]
        rng = stream(self.seed, "probe:augmentation")
        return {"augmentation.before": before, "augmentation.after": self._after(method, rng)}, {}

    def _after(self, method: Regularizer, rng: np.random.Generator) -> NDArray[np.float32]:
        if hasattr(method, "probability"):
            method = replace(method, probability=1.0)  # type: ignore[type-var]
        x = self.data.x_train[:COUNT].copy()
        if isinstance(method, Shift):
            return self._shifted(x, method.shifts(rng, Sizes(len(x), len(x), ())))
        targets = np.eye(self.data.n_classes, dtype=np.float32)[self.data.y_train[: len(x)]]
        return method.inputs(rng, Epoch(x, targets, len(x), self.data.image_shape)).inputs

    def _shifted(self, x: NDArray[np.float32], shifts: NDArray[np.int64]) -> NDArray[np.float32]:
        from reglab.core.engine.inputs import gather

        moved = np.empty_like(x)
        shape = np.array(self.data.image_shape, np.int64)
        for at in range(len(x)):
            gather(x, np.array([at]), shifts[at], shape, moved[at : at + 1])
        return moved
