"""Results of runs: curves from their chunks, arrays on demand."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from reglab.core.results import CURVE_COLUMNS, FURTHER_COLUMNS, RunResult
from reglab.core.spec import RunSpec, resolved
from reglab.core.storage import codec
from reglab.core.storage.database import Transactions
from reglab.core.storage.models import Array, Blob, Experiment, MetricChunk, Run
from reglab.core.storage.states import NotFoundError

Curves = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class ArrayRecord:
    """What is known of a stored array without reading it.

    Attributes:
        dtype: As NumPy writes it, e.g. ``<f4``.
        sha256: Of its little-endian bytes in C order.
    """

    name: str
    dtype: str
    shape: list[int]
    sha256: str

    @property
    def size(self) -> int:
        """Number of entries."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Size of the values in memory."""
        return self.size * np.dtype(self.dtype).itemsize

    def document(self) -> dict[str, Any]:
        """As the API tells it."""
        return {**asdict(self), "bytes": self.bytes}


class Results:
    """Repository of results."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def curves(self, experiment_id: str) -> dict[str, Curves]:
        """Columns of every run of an experiment so far, by run id in the runs' order."""
        with self._transactions.read() as session:
            if session.get(Experiment, experiment_id) is None:
                raise NotFoundError(f"There is no experiment '{experiment_id}'.")
            runs = select(Run.id).where(Run.experiment_id == experiment_id).order_by(Run.index)
            parts: dict[str, list[Curves]] = {run_id: [] for run_id in session.scalars(runs)}
            query = (
                select(MetricChunk.run_id, Blob.data)
                .join_from(MetricChunk, Blob)
                .join(Run, Run.id == MetricChunk.run_id)
                .where(Run.experiment_id == experiment_id)
                .order_by(Run.index, MetricChunk.first_epoch)
            )
            for run_id, columns in session.execute(query):
                parts[run_id].append(codec.unpack(columns))
        return {run_id: join(chunks) for run_id, chunks in parts.items()}

    def run(self, run_id: str) -> RunResult:
        """One run with its curves, and its arrays loaded when they are asked for."""
        with self._transactions.read() as session:
            row = session.get(Run, run_id)
            if row is None:
                raise NotFoundError(f"There is no run '{run_id}'.")
            chunks = (
                select(Blob.data)
                .join_from(MetricChunk, Blob)
                .where(MetricChunk.run_id == run_id)
                .order_by(MetricChunk.first_epoch)
            )
            curves = join([codec.unpack(columns) for columns in session.scalars(chunks)])
            return self._result(row, curves)

    def experiment(self, experiment_id: str) -> list[RunResult]:
        """All runs of an experiment, in order."""
        curves = self.curves(experiment_id)
        with self._transactions.read() as session:
            query = select(Run).where(Run.experiment_id == experiment_id).order_by(Run.index)
            return [self._result(row, curves[row.id]) for row in session.scalars(query)]

    def stamp(self, experiment_id: str) -> list[tuple[str, int, str]]:
        """(id, attempt, end) of the runs that succeeded: equal stamps, equal results."""
        with self._transactions.read() as session:
            if session.get(Experiment, experiment_id) is None:
                raise NotFoundError(f"There is no experiment '{experiment_id}'.")
            query = (
                select(Run.id, Run.attempt, Run.finished_at)
                .where(Run.experiment_id == experiment_id, Run.state == "succeeded")
                .order_by(Run.index)
            )
            return [(row[0], row[1], str(row[2])) for row in session.execute(query)]

    def durations(self, limit: int) -> list[tuple[RunSpec, float]]:
        """Spec, with the epochs that were trained, and seconds of the newest runs.

        Of those that were trained here in one attempt: neither imported nor reused. One that
        stopped early counts as what it trained.
        """
        query = select(Run.spec, Run.summary, Run.epoch).join_from(Run, Experiment)
        query = query.where(Run.state == "succeeded", Run.attempt == 1)
        query = query.where(Run.reused_from.is_(None), Experiment.imported_at.is_(None))
        with self._transactions.read() as session:
            rows = session.execute(query.order_by(Run.id.desc()).limit(limit))
            return [
                (_trained(RunSpec.model_validate(spec), epoch), float(summary["seconds"]))
                for spec, summary, epoch in rows
                if summary and "seconds" in summary
            ]

    def array(self, run_id: str, name: str) -> NDArray[Any]:
        """One array, checked against its sum.

        Raises:
            KeyError: The run has none of this name.
            NotFoundError: The run was deleted meanwhile.
        """
        with self._transactions.read() as session:
            columns = (Array.dtype, Array.shape, Array.sha256, Blob.data)
            query = select(*columns).join_from(Array, Blob)
            row = session.execute(query.where(Array.run_id == run_id, Array.name == name)).first()
            if row is None:
                if session.get(Run, run_id) is None:
                    raise NotFoundError(f"There is no run '{run_id}' any more.")
                raise KeyError(name)
            return codec.decode(*row)

    def array_records(self, run_id: str) -> list[ArrayRecord]:
        """Every stored array without its values, by name."""
        columns = (Array.name, Array.dtype, Array.shape, Array.sha256)
        query = select(*columns).where(Array.run_id == run_id).order_by(Array.name)
        with self._transactions.read() as session:
            return [ArrayRecord(*row) for row in session.execute(query)]

    def array_names(self, run_id: str) -> list[str]:
        """Names of the stored arrays, sorted."""
        return [record.name for record in self.array_records(run_id)]

    def array_sums(self, run_id: str) -> dict[str, str]:
        """The sha256 of each stored array by name: equal sums, equal bits."""
        return {record.name: record.sha256 for record in self.array_records(run_id)}

    def _result(self, row: Run, curves: Curves) -> RunResult:
        return RunResult(
            run_id=row.id,
            index=row.index,
            params=resolved(row.spec, row.params),
            seed=row.seed,
            spec=RunSpec.model_validate(row.spec),
            curves=curves,
            arrays=StoredArrays(self, row.id),
            summary=row.summary or {},
            state=row.state,
        )


class StoredArrays(Mapping[str, NDArray[Any]]):
    """A run's arrays; each is read when first asked for, then kept."""

    def __init__(self, results: Results, run_id: str) -> None:
        self._results, self._run_id = results, run_id
        self._loaded: dict[str, NDArray[Any]] = {}

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self._loaded:
            self._loaded[name] = self._results.array(self._run_id, name)
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._results.array_names(self._run_id))

    def __len__(self) -> int:
        return len(self._results.array_names(self._run_id))


def join(chunks: list[Curves]) -> Curves:
    """Chunks of columns, in order, as whole columns."""
    if not chunks:
        return {name: np.empty(0) for name in CURVE_COLUMNS}
    names = [*CURVE_COLUMNS, *(name for name in FURTHER_COLUMNS if name in chunks[0])]
    return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in names}


def _trained(spec: RunSpec, epoch: int) -> RunSpec:
    """The spec as if this epoch had been its last."""
    if not 0 < epoch < spec.training.epochs:
        return spec
    training = spec.training.model_copy(update={"epochs": epoch})
    return spec.model_copy(update={"training": training})
