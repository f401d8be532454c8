"""Experiments in and out as archives: read whole, written whole."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from reglab.core.exchange.archive import Archive, ArchivedRun
from reglab.core.exchange.documents import Checked, CheckedRun, RunDocument
from reglab.core.results import TERMINAL
from reglab.core.spec import ResolvedRun
from reglab.core.storage import blobs, codec
from reglab.core.storage.database import Transactions
from reglab.core.storage.experiments import add_tags
from reglab.core.storage.models import Experiment, Run, Tag
from reglab.core.storage.quota import check_stored, one_at_a_time
from reglab.core.storage.results import Results
from reglab.core.storage.runs import add_arrays, add_chunk
from reglab.core.storage.states import NotFoundError, WrongStateError


class AlreadyStoredError(WrongStateError):
    """The experiment, or one of its runs, is in this database already."""


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
        self, checked: Checked, token_id: str | None = None, max_stored_bytes: int | None = None
    ) -> str:
        """Store an archive in one transaction; returns the experiment's id.

        Args:
            checked: What may be stored of it.
            token_id: Whose it will be.
            max_stored_bytes: How much the experiments of that token may hold together.

        Raises:
            AlreadyStoredError: The database has it.
            QuotaExceededError: The token's experiments would hold more than they may.
        """
        experiment = checked.experiment
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
                        spec=checked.spec.model_dump(mode="json"),
                        created_at=experiment.created_at,
                        updated_at=datetime.now(UTC),
                        token_id=token_id,
                        imported_at=datetime.now(UTC),
                    )
                )
                session.flush()
                add_tags(session, identifier, experiment.tags)
                for run in checked.runs:
                    session.add(_run_row(identifier, run.document, run.resolved))
                    session.flush()
                    _add_results(session, run)
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


def _run_row(experiment_id: str, run: RunDocument, expected: ResolvedRun) -> Run:
    """As validated: defaults that are newer than the archive are filled in."""
    values = run.model_dump(exclude_unset=True) | {"id": str(run.id)}
    values |= {"spec": expected.spec.model_dump(mode="json"), "params": expected.params}
    return Run(experiment_id=experiment_id, attempts_left=0, **values)


def _add_results(session: Session, run: CheckedRun) -> None:
    run_id = str(run.document.id)
    add_arrays(session, run_id, {name: codec.encode(array) for name, array in run.arrays.items()})
    if len(run.curves["epoch"]):
        add_chunk(session, run_id, run.curves)
