"""One run: its state and what it was measured by."""

from __future__ import annotations

import io
from typing import Any

from reglab.client.answers import Confusion, Corp, Selective
from reglab.client.datasets import new_inputs
from reglab.client.flow import AsyncSide, Call, Flow, SyncSide, operation
from reglab.client.measures import (
    Boundary,
    Calibration,
    Prediction,
    Predictions,
    Spectrum,
    Weights,
)
from reglab.client.models import ArrayInfo, ArrayList, RunData, State
from reglab.client.packages import need
from reglab.client.session import AsyncSession, Session
from reglab.client.submission import segment
from reglab.core.spec import Binning, RunSpec


class RunSurface:
    """What can be asked of a run; ``Run`` blocks, ``AsyncRun`` awaits.

    Attributes:
        data: The run as it was when it was last read.
    """

    data: RunData

    @property
    def id(self) -> str:
        """UUIDv7."""
        return self.data.id

    @property
    def index(self) -> int:
        """Position in its experiment, from 0."""
        return self.data.index

    @property
    def params(self) -> dict[str, Any]:
        """Values of the sweep, by dotted path."""
        return self.data.params

    @property
    def seed(self) -> int:
        """Seed of all its random streams."""
        return self.data.seed

    @property
    def state(self) -> State:
        """State when it was last read."""
        return self.data.state

    @property
    def summary(self) -> dict[str, Any]:
        """Numbers of the finished run; empty before."""
        return self.data.summary or {}

    def __repr__(self) -> str:
        label = self.data.label()
        return f"{type(self).__name__}({self.id}, {label}, seed {self.seed}, {self.state})"

    @operation
    def refresh(self) -> Flow[None]:
        """Read the run again, with its resolved spec."""
        reply = yield Call("GET", f"/v1/runs/{self.id}")
        self.data = RunData.read(reply)

    @operation
    def spec(self) -> Flow[RunSpec]:
        """The resolved spec."""
        if self.data.spec is None:
            reply = yield Call("GET", f"/v1/runs/{self.id}")
            self.data = RunData.read(reply)
        return RunSpec.model_validate(self.data.spec)

    @operation
    def calibration(
        self, binning: Binning | None = None, bins: int | None = None
    ) -> Flow[Calibration]:
        """Reliability table on the test set.

        Args:
            binning: 'quantile' or 'uniform'; as in the spec if left out.
            bins: Number of bins; as in the spec by default.
        """
        query = {"binning": binning, "bins": bins}
        return Calibration.read((yield self._get("calibration", query)))

    @operation
    def corp(self) -> Flow[Corp]:
        """Reliability on the test set without bins, with its consistency band."""
        return Corp.read((yield self._get("corp", {})))

    @operation
    def selective(self) -> Flow[Selective]:
        """Share of errors over the share of test examples that are answered, the surest first."""
        return Selective.read((yield self._get("selective", {})))

    @operation
    def confusion(self) -> Flow[Confusion]:
        """Which classes are taken for which on the test set, with recall and precision."""
        return Confusion.read((yield self._get("confusion", {})))

    @operation
    def boundary(self, dropout_seed: int | None = None, epoch: int | None = None) -> Flow[Boundary]:
        """Probability of class 1 on a grid, with the training points; data in the plane only.

        Args:
            dropout_seed: Seed of a dropout mask; returns the boundary of this one network.
            epoch: One of ``snapshot_epochs``; the trained network if left out.
        """
        query = {"dropout_seed": dropout_seed, "epoch": epoch}
        return Boundary.read((yield self._get("boundary", query)))

    @operation
    def weights(self, layer: int | None = None, threshold: float | None = None) -> Flow[Weights]:
        """Weight matrices with sparsity and norms.

        Args:
            layer: One layer, from 0 at the input; all if left out.
            threshold: Magnitude up to which an entry counts as zero; as in the spec if left out.
        """
        query = {"layer": layer, "threshold": threshold}
        return Weights.read((yield self._get("weights", query)))

    @operation
    def spectrum(self) -> Flow[Spectrum]:
        """Change of the first layer along the principal axes of the training set, over time."""
        return Spectrum.read((yield self._get("spectrum", {})))

    @operation
    def predictions(self) -> Flow[Predictions]:
        """Returns the class probabilities of every test example with dropout off."""
        return Predictions.read((yield self._get("predictions", {})))

    @operation
    def arrays(self) -> Flow[list[ArrayInfo]]:
        """Name, dtype, shape and checksum of everything that is stored of the run."""
        return list(ArrayList.read((yield self._get("arrays", {}))).items)

    @operation
    def array(self, name: str) -> Flow[Any]:
        """A stored array as it is, bit for bit, as a NumPy array; needs numpy.

        Args:
            name: One of ``arrays()``, e.g. 'param.W0'.
        """
        numpy = need("numpy", "array()")
        reply = yield self._get(f"arrays/{segment(name)}", {"format": "npy"})
        return numpy.load(io.BytesIO(reply.content), allow_pickle=False)

    @operation
    def predict(self, inputs: Any, dropout_samples: int = 0, seed: int = 0) -> Flow[Prediction]:
        """Classify new inputs.

        Args:
            inputs: (N, d) nested lists or a NumPy array, scaled as the training data is (pixels
                from 0 to 1). For a run on an uploaded table a DataFrame of pandas or polars, or
                dicts, with the columns as they were uploaded; for uploaded arrays and images the
                values as they were uploaded.
            dropout_samples: Also average so many networks with dropout left on.
            seed: Seed of the dropout masks.
        """
        body = {**new_inputs(inputs), "dropout_samples": dropout_samples, "seed": seed}
        return Prediction.read((yield Call("POST", f"/v1/runs/{self.id}/predict", json=body)))

    def _get(self, what: str, query: dict[str, Any]) -> Call:
        return Call("GET", f"/v1/runs/{self.id}/{what}", params=query)


class Run(RunSurface, SyncSide):
    """A run of a ``Client``'s experiment."""

    def __init__(self, session: Session, data: RunData) -> None:
        self._session, self.data = session, data


class AsyncRun(RunSurface, AsyncSide):
    """A run of an ``AsyncClient``'s experiment."""

    def __init__(self, session: AsyncSession, data: RunData) -> None:
        self._session, self.data = session, data
