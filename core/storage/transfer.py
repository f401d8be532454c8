"""Experiments in and out as archives: read whole, written whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from reglab.core.archive import Archive, ArchivedRun, wrong
from reglab.core.errors import SpecError
from reglab.core.results import CURVE_COLUMNS, VALIDATION_COLUMNS
from reglab.core.spec import (
    MAX_RUNS,
    ExperimentSpec,
    ResolvedRun,
    RunSpec,
    expand,
    parse_spec,
    point_key,
    resolve_point,
)
from reglab.core.storage import blobs, codec
from reglab.core.storage.database import Transactions
from reglab.core.storage.documents import ExperimentDocument, RunDocument, SummaryDocument
from reglab.core.storage.experiments import add_tags
from reglab.core.storage.models import Experiment, Run, Tag
from reglab.core.storage.quota import check_stored, one_at_a_time
from reglab.core.storage.results import Results
from reglab.core.storage.runs import add_arrays, add_chunk
from reglab.core.storage.states import TERMINAL, NotFoundError, WrongStateError

WHOLE_COLUMNS = ("epoch", "step")
OTHER_SPEC = "It does not belong to the experiment's spec."


class AlreadyStoredError(WrongStateError):
    """The experiment, or one of its runs, is in this database already."""


D = TypeVar("D", bound=BaseModel)
Fault = Callable[[RunSpec, Mapping[str, NDArray[Any]]], str | None]
RUN_FIELDS = tuple(RunDocument.model_fields)


class Transfer:
    """Repository of whole experiments."""

    def __init__(self, transactions: Transactions, results: Results) -> None:
        self._transactions, self._results = transactions, results

    def export(self, experiment_id: str) -> Archive:
        """All that is stored of an experiment; WrongStateError while it goes on."""
        with self._transactions.read() as session:
            row = session.get(Experiment, experiment_id)
            if row is None:
                raise NotFoundError(f"There is no experiment '{experiment_id}'.")
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
            raise WrongStateError(f"{unended} runs have not ended; wait for them, or cancel them.")
        curves = self._results.curves(experiment_id)
        return Archive(document, [self._run(run, curves[run.id]) for run in rows])

    def insert(
        self,
        archive: Archive,
        fault: Fault,
        max_runs: int = MAX_RUNS,
        token_id: str | None = None,
        max_stored_bytes: int | None = None,
    ) -> str:
        """Store an archive in one transaction; returns the experiment's id.

        Args:
            archive: What was read.
            fault: Says what is wrong with the arrays of a finished run of a spec, or None.
            max_runs: Most runs of an experiment.
            token_id: Whose it will be.
            max_stored_bytes: How much the experiments of that token may hold together.

        Raises:
            ArchiveError: Its documents or arrays do not fit together.
            AlreadyStoredError: The database has it.
            QuotaExceededError: The token's experiments would hold more than they may.
        """
        experiment = _validated(ExperimentDocument, archive.experiment, "experiment.json")
        spec = _spec(experiment.spec)
        runs = [_checked(at, run) for at, run in enumerate(archive.runs)]
        expected = _check_expansion(spec, runs, max_runs)
        for at, (made, document, stored) in enumerate(
            zip(expected, runs, archive.runs, strict=True)
        ):
            if document.state == "succeeded":
                _check_arrays(f"runs/{at:04}.arrays.npz", made.spec, stored.arrays, fault)
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
                        token_id=token_id,
                        imported_at=datetime.now(UTC),
                    )
                )
                session.flush()
                add_tags(session, identifier, experiment.tags)
                for made, document, stored in zip(expected, runs, archive.runs, strict=True):
                    session.add(_run_row(identifier, document, made))
                    session.flush()
                    _add_results(session, str(document.id), stored)
                session.flush()
                blobs.measure(session, Run.experiment_id == identifier)
                if max_stored_bytes is not None:
                    one_at_a_time(session)
                    check_stored(session, max_stored_bytes, token_id)
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


def _already(identifier: str) -> AlreadyStoredError:
    return AlreadyStoredError(f"The experiment '{identifier}', or a run of it, is here already.")


def _validated(model: type[D], document: dict[str, Any], where: str, within: str = "") -> D:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise wrong(where, f"{within}{place}: {first['msg']}.") from error


def _spec(document: dict[str, Any]) -> ExperimentSpec:
    try:
        return parse_spec(document)
    except SpecError as error:
        raise wrong("experiment.json", f"spec.{error.problems[0]}") from error


def _check_expansion(
    spec: ExperimentSpec, runs: list[RunDocument], max_runs: int
) -> list[ResolvedRun]:
    """The runs must be those that the spec makes: an import cannot lease what was not run so."""
    try:
        wanted: list[ResolvedRun] = expand(spec, max_runs)
    except SpecError as error:
        raise wrong("experiment.json", f"spec.{error.problems[0]}") from error
    if len(wanted) != len(runs):
        detail = f"The spec makes {len(wanted)} runs, but there are {len(runs)}."
        raise wrong("experiment.json", detail)
    for expected, run in zip(wanted, runs, strict=True):
        where = f"runs/{run.index:04}.json"
        if (expected.index, expected.seed) != (run.index, run.seed):
            raise wrong(where, OTHER_SPEC)
        if not _same_point(spec, expected, run.params):
            raise wrong(where, OTHER_SPEC)
        try:
            spec_of_run = RunSpec.model_validate(run.spec)
        except ValidationError as error:
            raise wrong(where, "Its spec is not valid.") from error
        if spec_of_run != expected.spec:
            raise wrong(where, OTHER_SPEC)
    return wanted


def _same_point(spec: ExperimentSpec, expected: ResolvedRun, params: dict[str, Any]) -> bool:
    if point_key(params) == point_key(expected.params):
        return True
    # As submitted rather than resolved: objects whose defaults are left out.
    try:
        return params.keys() == expected.params.keys() and (
            resolve_point(spec, params) == expected.spec
        )
    except SpecError:
        return False


def _checked(at: int, run: ArchivedRun) -> RunDocument:
    where = f"runs/{at:04}"
    document = _validated(RunDocument, run.document, f"{where}.json")
    if document.state not in TERMINAL:
        raise wrong(f"{where}.json", f"It is {document.state}; only ended runs are taken.")
    finished = document.state == "succeeded"
    _check_curves(f"{where}.curves.npz", run.curves, finished)
    if finished:
        summary = _validated(SummaryDocument, document.summary or {}, f"{where}.json", "summary.")
        if summary.final.epoch not in run.curves["epoch"]:
            detail = f"summary.final.epoch: {summary.final.epoch} was not evaluated."
            raise wrong(f"{where}.json", detail)
        if document.epoch != run.curves["epoch"][-1]:
            raise wrong(f"{where}.json", "epoch: It is not that of the last evaluation.")
    return document


def _check_curves(where: str, curves: Mapping[str, NDArray[Any]], finished: bool) -> None:
    known = {*CURVE_COLUMNS, *VALIDATION_COLUMNS}
    if not set(CURVE_COLUMNS) <= set(curves) or not set(curves) <= known:
        raise wrong(where, f"Its columns are not {', '.join(CURVE_COLUMNS)}.")
    for name, column in curves.items():
        # Columns of nothing have no kind.
        if column.size and (column.dtype.kind in "iu") != (name in WHOLE_COLUMNS):
            raise wrong(where, f"'{name}' is of {column.dtype}.")
    for name in set(curves) - set(WHOLE_COLUMNS):
        # A run that failed may have diverged; an accuracy is a share in any case.
        bound = 1.0 if name.endswith("accuracy") else np.inf
        sound = (curves[name] >= 0) & (curves[name] <= bound)
        if finished:
            sound &= np.isfinite(curves[name])
        if not np.all(sound | (not finished and np.isnan(curves[name]))):
            raise wrong(where, f"'{name}' is out of range.")
    epochs = curves["epoch"]
    if len({column.shape for column in curves.values()}) != 1 or epochs.ndim != 1:
        raise wrong(where, "Its columns are not of equal length.")
    if finished and not len(epochs):
        raise wrong(where, "A succeeded run has at least one evaluation.")
    for name in WHOLE_COLUMNS:
        if np.any(curves[name] < 0) or np.any(curves[name] >= 2**53):
            raise wrong(where, f"'{name}' is out of range.")
    if np.any(np.diff(epochs.astype(np.int64)) <= 0) or np.any(epochs >= 2**31):
        raise wrong(where, "Its epochs do not rise, or are out of range.")


def _check_arrays(
    where: str, spec: RunSpec, arrays: Mapping[str, NDArray[Any]], fault: Fault
) -> None:
    found = fault(spec, arrays)
    if found is not None:
        raise wrong(where, found)


def _run_row(experiment_id: str, run: RunDocument, expected: ResolvedRun) -> Run:
    """As validated: defaults that are newer than the archive are filled in."""
    values = run.model_dump(exclude_unset=True) | {"id": str(run.id)}
    values |= {"spec": expected.spec.model_dump(mode="json"), "params": expected.params}
    return Run(experiment_id=experiment_id, attempts_left=0, **values)


def _add_results(session: Session, run_id: str, run: ArchivedRun) -> None:
    add_arrays(session, run_id, {name: codec.encode(array) for name, array in run.arrays.items()})
    if len(run.curves["epoch"]):
        add_chunk(session, run_id, run.curves)
