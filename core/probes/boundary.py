"""The probability of class 1 over the plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from reglab.core.datasets.base import Dataset
from reglab.core.engine import Network
from reglab.core.probes.base import Arrays, Stored
from reglab.core.probes.spectrum import snapshot_epochs
from reglab.core.spec import BoundaryProbe, RunSpec, Training


def quantity(spec: RunSpec) -> str:
    """What the values of a boundary are."""
    if spec.model.loss == "squared":
        return "softmax of the outputs for class 1, no probability"
    return "probability of class 1"


@dataclass(frozen=True)
class Grid:
    """Coordinates of a square grid: x (R,) and y (R,), float32."""

    x: NDArray[np.float32]
    y: NDArray[np.float32]

    @classmethod
    def around(cls, points: NDArray[Any], probe: BoundaryProbe) -> Grid:
        """Covers points (N, 2) with the probe's padding and resolution."""
        low = points.min(axis=0) - probe.padding
        high = points.max(axis=0) + probe.padding
        axes = [np.linspace(low[k], high[k], probe.resolution, dtype=np.float32) for k in range(2)]
        return cls(axes[0], axes[1])

    def points(self) -> NDArray[np.float32]:
        """All grid points, (R * R, 2); rows of the grid have equal y."""
        return np.stack(np.meshgrid(self.x, self.y), axis=-1).reshape(-1, 2)

    def probability(self, network: Network) -> NDArray[np.float32]:
        """p(class 1), (R, R), dropout off."""
        return self._square(network.probabilities(self.points()))

    def dropout_probability(
        self, network: Network, p: float, seed: int, instance: int
    ) -> NDArray[np.float32]:
        """p(class 1), (R, R), of one seeded network with dropout left on."""
        return self._square(network.dropout_probabilities(self.points(), p, seed, instance))

    def _square(self, probabilities: NDArray[np.float64]) -> NDArray[np.float32]:
        return probabilities[:, 1].reshape(len(self.y), len(self.x)).astype(np.float32)


def _snapshots(training: Training, count: int) -> set[int]:
    if count < 2:
        return {0} if count else set()
    later = [training.epochs]
    if count > 2:
        later = snapshot_epochs(training.epochs, training.eval_every, count - 1)
    return {0, *later}


class Boundary:
    """Stores boundary.x, boundary.y, boundary.p, and boundary.dropout if asked for.

    With snapshots also boundary.epochs (T,) int64 and boundary.snapshots (T, R, R) float32.
    """

    stores: ClassVar[tuple[Stored, ...]] = (
        Stored(
            {"boundary.x": ("R",), "boundary.y": ("R",), "boundary.p": ("R", "R")},
            needs="train.points",
        ),
        Stored({"boundary.dropout": ("instances", "R", "R")}, needs="boundary.p"),
        Stored(
            {
                "boundary.epochs": ("snapshots",),
                "boundary.snapshots": ("snapshots", "R", "R"),
            },
            needs="boundary.p",
        ),
    )

    def __init__(self, spec: RunSpec, data: Dataset, seed: int) -> None:
        probe, training = spec.probes.boundary, spec.training
        assert probe is not None
        self._probe, self._seed = probe, seed
        self._dropout = spec.regularization.dropout
        self._grid = Grid.around(data.x_train, probe)
        self._wanted = _snapshots(training, probe.snapshots)
        self._epochs: list[int] = []
        self._snapshots: list[NDArray[np.float32]] = []

    @classmethod
    def of(cls, spec: RunSpec, data: Dataset, seed: int) -> Self | None:
        """On where the spec has a boundary probe."""
        return cls(spec, data, seed) if spec.probes.boundary else None

    def observe(self, epoch: int, network: Network) -> None:
        """At the chosen epochs, keep the probabilities."""
        if epoch in self._wanted:
            self._epochs.append(epoch)
            self._snapshots.append(self._grid.probability(network))

    def finish(self, network: Network) -> tuple[Arrays, dict[str, Any]]:
        """The grid and its probabilities."""
        arrays: Arrays = {
            "boundary.x": self._grid.x,
            "boundary.y": self._grid.y,
            "boundary.p": self._grid.probability(network),
        }
        if self._epochs:
            arrays |= {f"boundary.{name}": array for name, array in self.state().items()}
        if self._probe.dropout_instances and self._dropout:
            arrays["boundary.dropout"] = np.stack(
                [
                    self._grid.dropout_probability(network, self._dropout, self._seed, instance)
                    for instance in range(self._probe.dropout_instances)
                ]
            )
        return arrays, {}

    def state(self) -> Arrays:
        """The snapshots so far."""
        if not self._epochs:
            return {}
        return {
            "epochs": np.array(self._epochs, np.int64),
            "snapshots": np.stack(self._snapshots),
        }

    def restore(self, arrays: Arrays) -> None:
        """Go on from ``state``."""
        self._epochs = [int(epoch) for epoch in arrays["epochs"]]
        self._snapshots = list(arrays["snapshots"])
