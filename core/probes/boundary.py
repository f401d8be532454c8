"""The probability of class 1 over the plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from reglab.core.datasets.base import Dataset
from reglab.core.engine import Network
from reglab.core.probes.base import Arrays, FinalProbe
from reglab.core.spec import BoundaryProbe, RunSpec


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


class Boundary(FinalProbe):
    """Stores boundary.x, boundary.y, boundary.p, and boundary.dropout if asked for."""

    @classmethod
    def of(cls, spec: RunSpec, data: Dataset, seed: int) -> Self | None:
        """On where the spec has a boundary probe."""
        return cls(spec, data, seed) if spec.probes.boundary else None

    def finish(self, network: Network) -> tuple[Arrays, dict[str, Any]]:
        """The grid and its probabilities."""
        probe = self.spec.probes.boundary
        assert probe is not None
        grid = Grid.around(self.data.x_train, probe)
        arrays: Arrays = {
            "boundary.x": grid.x,
            "boundary.y": grid.y,
            "boundary.p": grid.probability(network),
        }
        p = self.spec.regularization.dropout
        if probe.dropout_instances and p:
            arrays["boundary.dropout"] = np.stack(
                [
                    grid.dropout_probability(network, p, self.seed, instance)
                    for instance in range(probe.dropout_instances)
                ]
            )
        return arrays, {}
