"""Training error along the principal components of the inputs, over time.

In the terms of ``metrics.components``: for a linear model Z = X W + b with squared loss and
full-batch gradient descent at a constant rate, u_k^T R(t) = (1 - lr lambda_k)^t u_k^T R(0), where
lambda_k = s_k^2 / N (see e.g. Advani, Saxe and Sompolinsky, 2020).
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from reglab.core import engine
from reglab.core.datasets.base import Dataset
from reglab.core.engine import Network
from reglab.core.metrics.components import errors, left_vectors
from reglab.core.probes.base import Arrays, Stored
from reglab.core.probes.spectrum import snapshot_epochs
from reglab.core.spec import RunSpec

Floats = NDArray[np.float64]


class Components:
    """Stores components.epochs (T,), components.error (T, r) and components.eigenvalues (r,).

    Their last bits depend on the processor.
    """

    stores: ClassVar[tuple[Stored, ...]] = (
        Stored(
            {
                "components.epochs": ("C",),
                "components.error": ("C", "r"),
                "components.eigenvalues": ("r",),
            },
            varies=True,
        ),
    )

    def __init__(self, spec: RunSpec, data: Dataset) -> None:
        probe, training = spec.probes.components, spec.training
        assert probe is not None
        wanted = snapshot_epochs(training.epochs, training.eval_every, probe.snapshots)
        self._wanted = {0, *wanted}
        self._inputs = engine.Inputs.of(data.x_train)
        self._labels = np.eye(data.n_classes)[data.y_train]
        self._eigenvalues, self._left = left_vectors(data.x_train)
        self._epochs: list[int] = []
        self._error: list[Floats] = []

    @classmethod
    def of(cls, spec: RunSpec, data: Dataset, seed: int) -> Self | None:
        """On where the spec has a components probe."""
        return cls(spec, data) if spec.probes.components else None

    def observe(self, epoch: int, network: Network) -> None:
        """Keep the errors at the chosen epochs, the start included."""
        if epoch in self._wanted:
            residual = network.logits(self._inputs).astype(np.float64) - self._labels
            self._epochs.append(epoch)
            self._error.append(errors(residual, self._left))

    def finish(self, network: Network) -> tuple[Arrays, dict[str, Any]]:
        """The errors by time and component."""
        return {
            "components.epochs": np.array(self._epochs, np.int64),
            "components.error": np.stack(self._error),
            "components.eigenvalues": self._eigenvalues,
        }, {}

    def state(self) -> Arrays:
        """The errors so far."""
        shape = (len(self._epochs), len(self._eigenvalues))
        return {
            "epochs": np.array(self._epochs, np.int64),
            "error": np.array(self._error, np.float64).reshape(shape),
        }

    def restore(self, arrays: Arrays) -> None:
        """Go on from ``state``."""
        self._epochs = [int(epoch) for epoch in arrays["epochs"]]
        self._error = list(arrays["error"])
