"""What a probe is: it looks at the network during training and leaves arrays and numbers."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from reglab.core.datasets.base import Dataset
from reglab.core.engine import Network
from reglab.core.spec import RunSpec

Arrays = dict[str, NDArray[Any]]


class Probe(Protocol):
    """One probe of one run."""

    @classmethod
    def of(cls, spec: RunSpec, data: Dataset, seed: int) -> Probe | None:
        """The probe that the spec asks for, or None."""

    def observe(self, epoch: int, network: Network) -> None:
        """Called at every evaluated epoch, from 0 to the last."""

    def finish(self, network: Network) -> tuple[Arrays, dict[str, Any]]:
        """Arrays to store, and numbers for the run's summary."""

    def state(self) -> Arrays:
        """What ``observe`` has gathered so far, for a checkpoint."""

    def restore(self, arrays: Arrays) -> None:
        """Go on from ``state``."""


class FinalProbe:
    """Base of probes that look at the trained network only."""

    def __init__(self, spec: RunSpec, data: Dataset, seed: int) -> None:
        self.spec, self.data, self.seed = spec, data, seed

    def observe(self, epoch: int, network: Network) -> None:
        """Nothing is gathered on the way."""

    def state(self) -> Arrays:
        """Nothing to keep."""
        return {}

    def restore(self, arrays: Arrays) -> None:
        """Nothing to go on from."""
