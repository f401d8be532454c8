"""What a probe is: it looks at the network during training and leaves arrays and numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from numpy.typing import NDArray

from reglab.core.datasets.base import Dataset
from reglab.core.engine import Network
from reglab.core.spec import RunSpec

Arrays = dict[str, NDArray[Any]]
Dimensions = tuple[str | int, ...]


@dataclass(frozen=True)
class Stored:
    """Arrays that a probe stores together, or none of them.

    Attributes:
        dimensions: Of each array, by name. A letter stands for the same size in all arrays of a
            run; K classes, d features and the number of layers are the spec's.
        needs: Another array without which these make no sense.
        always: Whether every finished run has them.
        nan: Those that may hold NaN, as a ratio of outputs that are all zero.
        varies: Whether their last bits depend on the processor and the versions of libraries: they
            are made of eigenvectors. All other arrays of a run are the same on every machine.
    """

    dimensions: Mapping[str, Dimensions]
    needs: str | None = None
    always: bool = False
    nan: frozenset[str] = frozenset()
    varies: bool = False


class Probe(Protocol):
    """One probe of one run; ``stores`` tells which arrays it may leave."""

    stores: ClassVar[tuple[Stored, ...]]

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

    stores: ClassVar[tuple[Stored, ...]] = ()

    def __init__(self, spec: RunSpec, data: Dataset, seed: int) -> None:
        self.spec, self.data, self.seed = spec, data, seed

    def observe(self, epoch: int, network: Network) -> None:
        """Nothing is gathered on the way."""

    def state(self) -> Arrays:
        """Nothing to keep."""
        return {}

    def restore(self, arrays: Arrays) -> None:
        """Nothing to go on from."""
