"""Experiments in and out as archives: read whole, written whole."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from reglab.core.archive import Archive, ArchivedRun, wrong
from reglab.core.errors import SpecError
from reglab.core.results import CURVE_COLUMNS, VALIDATION_COLUMNS
from reglab.core.spec import ExperimentSpec, ResolvedRun, RunSpec, expand, parse_spec
from reglab.core.storage import codec
from reglab.core.storage.engine import Transactions
from reglab.core.storage.experiments import add_tags
from reglab.core.storage.models import Array, Experiment, MetricChunk, Run, Tag
from reglab.core.storage.results import Results
from reglab.core.storage.states import TERMINAL, NotFound, State, WrongState

OTHER_SPEC = "It does not belong to the experiment's spec."


class AlreadyThere(WrongState):
    """The experiment, or one of its runs, is in this database already."""


class _Document(BaseModel):
    # JSON has no times or UUIDs, so these are parsed; nothing else is converted.
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    id: UUID
    created_at: datetime


class ExperimentDocument(_Document):
    """``experiment.json``."""

    name: str = Field(max_length=200)
    preset: str | None = Field(max_length=64)
    tags: list[str] = Field(max_length=32)
    spec: dict[str, Any]
    updated_at: datetime


class RunDocument(_Document):
    """``runs/0000.json``."""

    index: int = Field(ge=0, strict=True)
    params: dict[str, Any]
    seed: int = Field(ge=0, lt=2**63, strict=True)
    spec: dict[str, Any]
    state: State
    attempt: int = Field(ge=0, lt=2**31, strict=True)
    epoch: int = Field(ge=0, lt=2**31, strict=True)
    progress: float = Field(ge=0, le=1)
    error: dict[str, Any] | None
    errors: list[dict[str, Any]] = Field(max_length=1000)
    summary: dict[str, Any] | None
    started_at: datetime | None
    finished_at: datetime | None


D = TypeVar("D", bound=_Document)
RUN_FIELDS = tuple(RunDocument.model_fields)


class Transfer:
    """Repository of whole experiments."""

    def __init__(self, transactions: Transactions, results: Results) -> None:
        self._transactions, self._results = transactions, results

    def export(self, experiment_id: str) -> Archive:
        """All that is stored of an experiment; WrongState while it goes on."""
        with self._transactions.read() as session:
            row = session.get(Experiment, experiment_id)
            if row is None:
                raise NotFound(f"There is no experiment '{experiment_id}'.")
            tags = select(Tag.tag).where(Tag.experiment_id == experiment_id).order_by(Tag.position)
            document = {
                "id": row.id,
                "name": row.name,
                "preset": row.preset,
                "spec": row.spec,
                "tags": list(session.scalars(tags)),
                "created_at": row.created_at.isoformat(),
                "updated_at": row.updated_at.isoformat(),
            }
            query = select(Run).where(Run.experiment_id == experiment_id).order_by(Run.index)
            rows = list(session.scalars(query))
        unended = sum(run.state not in TERMINAL for run in rows)
        if unended:
            raise WrongState(f"{unended} runs have not ended; wait for them, or cancel them.")
        curves = self._results.curves(experiment_id)
        return Archive(document, [self._run(run, curves[run.id]) for run in rows])

    def insert(self, archive: Archive) -> str:
        """Store an archive in one transaction; returns the experiment's id.

        Raises:
            ArchiveError: Its documents or arrays do not fit together.
            AlreadyThere: The database has it.
        """
        experiment = _validated(ExperimentDocument, archive.experiment, "experiment.json")
        spec = _spec(experiment.spec)
        runs = [_checked(at, run) for at, run in enumerate(archive.runs)]
        _check_expansion(spec, runs)
        identifier = str(experiment.id)
        try:
            with self._transactions.write(durable=True) as session:
                if session.get(Experiment, identifier) is not None:
                    raise _already(identifier)
                session.add(
                    Experiment(
                        id=identifier,
                        name=experiment.name,
                        preset=experiment.preset,
                        spec=spec.model_dump(mode="json"),
                        created_at=experiment.created_at,
                        updated_at=datetime.now(UTC),
                    )
                )
                session.flush()
                add_tags(session, identifier, experiment.tags)
                for document, stored in zip(runs, archive.runs, strict=True):
                    session.add(_run_row(identifier, document))
                    session.flush()
                    session.add_all(_result_rows(str(document.id), stored))
        except IntegrityError as error:
            raise _already(identifier) from error
        return identifier

    def _run(self, run: Run, curves: Mapping[str, NDArray[Any]]) -> ArchivedRun:
        document = {name: getattr(run, name) for name in RUN_FIELDS}
        for name, value in document.items():
            if isinstance(value, datetime):
                document[name] = value.isoformat()
        names = self._results.array_names(run.id)
        arrays = {name: self._results.array(run.id, name) for name in names}
        return ArchivedRun(document, curves, arrays)


def _already(identifier: str) -> AlreadyThere:
    return AlreadyThere(f"The experiment '{identifier}', or a run of it, is here already.")


def _validated(model: type[D], document: dict[str, Any], where: str) -> D:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise wrong(where, f"{place}: {first['msg']}.") from error


def _spec(document: dict[str, Any]) -> ExperimentSpec:
    try:
        return parse_spec(document)
    except SpecError as error:
        raise wrong("experiment.json", f"spec.{error.problems[0]}") from error


def _check_expansion(spec: ExperimentSpec, runs: list[RunDocument]) -> None:
    """The runs must be those that the spec makes: an import cannot claim what was not run so."""
    wanted: list[ResolvedRun] = expand(spec)
    if len(wanted) != len(runs):
        detail = f"The spec makes {len(wanted)} runs, but there are {len(runs)}."
        raise wrong("experiment.json", detail)
    for expected, run in zip(wanted, runs, strict=True):
        where = f"runs/{run.index:04}.json"
        same = (expected.index, expected.params, expected.seed) == (run.index, run.params, run.seed)
        if not same:
            raise wrong(where, OTHER_SPEC)
        try:
            spec_of_run = RunSpec.model_validate(run.spec)
        except ValidationError as error:
            raise wrong(where, "Its spec is not valid.") from error
        if spec_of_run != expected.spec:
            raise wrong(where, OTHER_SPEC)


def _checked(at: int, run: ArchivedRun) -> RunDocument:
    where = f"runs/{at:04}"
    document = _validated(RunDocument, run.document, f"{where}.json")
    if document.state not in TERMINAL:
        raise wrong(f"{where}.json", f"It is {document.state}; only ended runs are taken.")
    _check_curves(f"{where}.curves.npz", run.curves)
    if document.state == "succeeded":
        if not isinstance((document.summary or {}).get("final"), dict):
            raise wrong(f"{where}.json", "A succeeded run has a summary with 'final'.")
        _check_arrays(f"{where}.arrays.npz", document.spec, run.arrays)
    return document


def _check_curves(where: str, curves: Mapping[str, NDArray[Any]]) -> None:
    known = {*CURVE_COLUMNS, *VALIDATION_COLUMNS}
    if not set(CURVE_COLUMNS) <= set(curves) or not set(curves) <= known:
        raise wrong(where, f"Its columns are not {', '.join(CURVE_COLUMNS)}.")
    if len({column.shape for column in curves.values()}) != 1 or curves["epoch"].ndim != 1:
        raise wrong(where, "Its columns are not of equal length.")
    if np.any(np.diff(curves["epoch"]) <= 0):
        raise wrong(where, "Its epochs do not rise.")


def _check_arrays(where: str, spec: dict[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    try:
        widths = RunSpec.model_validate(spec).widths()
    except ValidationError as error:
        raise wrong(where.replace(".arrays.npz", ".json"), "Its spec is not valid.") from error
    shapes: dict[str, tuple[int, ...]] = {}
    for at, (n_in, n_out) in enumerate(itertools.pairwise(widths)):
        shapes |= {f"param.W{at}": (n_in, n_out), f"param.b{at}": (n_out,)}
    for name, shape in shapes.items():
        if name not in arrays or arrays[name].shape != shape:
            raise wrong(where, f"'{name}' is missing, or its shape is not {shape}.")
    logits, labels = arrays.get("test.logits"), arrays.get("test.labels")
    if logits is None or labels is None or logits.shape != (len(labels), widths[-1]):
        raise wrong(where, "'test.logits' and 'test.labels' are missing, or do not fit together.")
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or np.any(labels >= widths[-1]):
        raise wrong(where, f"'test.labels' are not classes from 0 to {widths[-1] - 1}.")


def _run_row(experiment_id: str, run: RunDocument) -> Run:
    values = run.model_dump() | {"id": str(run.id)}
    return Run(experiment_id=experiment_id, attempts_left=0, **values)


def _result_rows(run_id: str, run: ArchivedRun) -> list[Array | MetricChunk]:
    rows: list[Array | MetricChunk] = [
        Array(run_id=run_id, name=name, **vars(codec.encode(array)))
        for name, array in run.arrays.items()
    ]
    epochs = run.curves["epoch"]
    if len(epochs):
        rows.append(
            MetricChunk(
                run_id=run_id,
                first_epoch=int(epochs[0]),
                last_epoch=int(epochs[-1]),
                points=len(epochs),
                columns=codec.pack(run.curves),
            )
        )
    return rows
