"""Spectral bias: where in the data's principal components the first layer has moved, over time.

v_k are the principal axes of the centred training inputs, all d of them, by falling eigenvalue;
E_k(t) = |dW(t) v_k|^2 with dW(t) = W(t) - W(0) of the first layer. Which of them the network's
answers rest on is told by the test loss with dW restricted to a part of the axes.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from reglab.core.datasets.base import Dataset
from reglab.core.datasets.identity_key import IdentityKey
from reglab.core.elementary import geometric
from reglab.core.engine import Network
from reglab.core.metrics.components import along, energies, principal_axes
from reglab.core.metrics.predictions import accuracy, mean_nll, mean_squared
from reglab.core.probes.base import Arrays, Stored
from reglab.core.spec import RunSpec

Floats = NDArray[np.float64]


def snapshot_epochs(epochs: int, every: int, count: int) -> list[int]:
    """At most ``count`` of the evaluated epochs after 0, spaced logarithmically, last included."""
    evaluated = np.unique(np.append(np.arange(every, epochs + 1, every), epochs))
    wanted = geometric(evaluated[0], epochs, count)
    # One after the other, as a long training has many evaluations.
    nearest = [int(np.abs(evaluated - epoch).argmin()) for epoch in wanted]
    return [int(epoch) for epoch in np.unique(evaluated[nearest])]


class Spectrum:
    """Stores spectrum.epochs (T,), spectrum.energy (T, d) and spectrum.eigenvalues (d,).

    With parts also spectrum.parts (T, 2, 2): test loss and accuracy, with the first layer's change
    restricted to the leading components (row 0) and to all others (row 1).

    Their last bits depend on the processor.
    """

    stores: ClassVar[tuple[Stored, ...]] = (
        Stored(
            {
                "spectrum.epochs": ("S",),
                "spectrum.energy": ("S", "d"),
                "spectrum.eigenvalues": ("d",),
            },
            varies=True,
        ),
        Stored({"spectrum.parts": ("S", 2, 2)}, needs="spectrum.energy", varies=True),
    )

    def __init__(self, spec: RunSpec, data: Dataset) -> None:
        probe, training = spec.probes.spectrum, spec.training
        assert probe is not None
        self._data, self._leading = data, probe.parts
        self._is_squared = spec.model.loss == "squared"
        self._wanted = snapshot_epochs(training.epochs, training.eval_every, probe.snapshots)
        self._eigenvalues, self._axes = principal_axes(data.x_train)
        self._start: NDArray[np.float32] | None = None
        self._epochs: list[int] = []
        self._energy: list[Floats] = []
        self._parts: list[Floats] = []

    @classmethod
    def of(cls, spec: RunSpec, data: Dataset, seed: int) -> Self | None:
        """On where the spec has a spectrum probe."""
        return cls(spec, data) if spec.probes.spectrum else None

    def observe(self, epoch: int, network: Network) -> None:
        """Keep W(0); at the chosen epochs, keep the energies."""
        if epoch == 0:
            self._start = network.weights[0].copy()
        elif epoch in self._wanted and self._start is not None:
            change = network.weights[0] - self._start
            self._epochs.append(epoch)
            self._energy.append(energies(change, self._axes))
            if self._leading is not None:
                leading = along(change, self._axes[:, : self._leading])
                kept = (self._start + leading, network.weights[0] - leading)
                self._parts.append(np.array([self._tested(network, first) for first in kept]))

    def finish(self, network: Network) -> tuple[Arrays, dict[str, Any]]:
        """The energies by time and component."""
        arrays: Arrays = {
            "spectrum.epochs": np.array(self._epochs, np.int64),
            "spectrum.energy": np.stack(self._energy),
            "spectrum.eigenvalues": self._eigenvalues,
        }
        if self._parts:
            arrays["spectrum.parts"] = np.stack(self._parts)
        return arrays, {}

    def state(self) -> Arrays:
        """W(0) and the energies so far."""
        if self._start is None:
            return {}
        shape = (len(self._epochs), len(self._eigenvalues))
        return {
            "start": self._start,
            "epochs": np.array(self._epochs, np.int64),
            "energy": np.array(self._energy, np.float64).reshape(shape),
            "parts": np.array(self._parts, np.float64).reshape(-1, 2, 2),
        }

    def restore(self, arrays: Arrays) -> None:
        """Go on from ``state``."""
        self._start = arrays["start"]
        self._epochs = [int(epoch) for epoch in arrays["epochs"]]
        self._energy = list(arrays["energy"])
        # A checkpoint of an earlier version has none.
        self._parts = list(arrays.get("parts", ()))

    def _tested(self, network: Network, first: NDArray[np.float32]) -> tuple[float, float]:
        """Test loss and accuracy with other weights of the first layer."""
        from reglab.core.engine.packed import pack_once

        changed = Network.from_arrays(
            network.widths, network.activation, network.arrays() | {"param.W0": first}
        )
        outputs = changed.logits(pack_once(IdentityKey(self._data.x_test)))
        loss = mean_squared if self._is_squared else mean_nll
        return loss(outputs, self._data.y_test), accuracy(outputs, self._data.y_test)
