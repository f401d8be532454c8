"""Experiments: submission, listing, changes of name and tags, cancel, retry, delete."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Select, and_, delete, exists, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement
from uuid_utils import uuid7

from reglab.core.results import TERMINAL, State
from reglab.core.storage import blobs
from reglab.core.storage.counters import SUBMITTED, Count, note
from reglab.core.storage.database import Transactions, now, repeats
from reglab.core.storage.listing import Sort, cursor_after, ordered
from reglab.core.storage.models import Experiment, IdempotencyKey, Run, StoredCheckpoint, Tag
from reglab.core.storage.quota import Quota, check, one_at_a_time
from reglab.core.storage.records import NOWHERE, ExperimentRecord, Origin, Page, RunRecord
from reglab.core.storage.result_cache import reuse
from reglab.core.storage.states import KeyConflictError, NotFoundError, WrongStateError
from reglab.core.storage.submission import Submission


class Experiments:
    """Repository of experiments; every method is one transaction."""

    def __init__(self, transactions: Transactions, max_attempts: int) -> None:
        self._transactions = transactions
        self._max_attempts = max_attempts

    @repeats
    def create(self, submission: Submission) -> tuple[str, bool]:
        """Store an experiment and its queued runs; runs that equal a finished one are done at once.

        Returns:
            The experiment's id, and False if the key had already made it.

        Raises:
            KeyConflictError: The key was used with another request.
            QuotaExceededError: More would wait than may.
        """
        # Before anyone waits for this transaction.
        keys = submission.content_keys
        try:
            with self._transactions.write(durable=True) as session:
                known = self._known(session, submission)
                if known is not None:
                    return known, False
                if submission.quota:
                    one_at_a_time(session)
                made = self._insert(session, submission)
                if submission.contents and not submission.force:
                    reuse(session, made, dict(zip(keys, submission.contents, strict=True)))
                blobs.measure(session, Run.experiment_id == made)
                if submission.quota:
                    check(session, submission.quota, submission.token_id)
                note(session, made, _submitted(session, made))
                return made, True
        except IntegrityError:
            # Another request with the same key committed in between.
            with self._transactions.read() as session:
                known = self._known(session, submission)
            if known is None:
                raise
            return known, False

    def get(self, experiment_id: str) -> ExperimentRecord:
        """One experiment, or NotFoundError."""
        with self._transactions.read() as session:
            row = self._row(session, experiment_id)
            return self._records(session, [row])[0]

    def find(
        self,
        state: State | None = None,
        preset: str | None = None,
        tag: str | None = None,
        q: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
        sort: Sort = "-created",
    ) -> Page:
        """A page of experiments; ``cursor`` is the ``next_cursor`` of the page before.

        Raises:
            ValueError: The cursor is none, or of another order.
        """
        query = ordered(select(Experiment).limit(limit + 1), sort, cursor)
        if preset is not None:
            query = query.where(Experiment.preset == preset)
        if tag is not None:
            query = query.where(
                exists().where(and_(Tag.experiment_id == Experiment.id, Tag.tag == tag))
            )
        if q:
            query = query.where(Experiment.name.icontains(q, autoescape=True))
        if state is not None:
            query = _in_state(query, state)
        with self._transactions.read() as session:
            rows = list(session.scalars(query))
            more = len(rows) > limit
            items = self._records(session, rows[:limit])
        return Page(items, cursor_after(items[-1], sort) if more else None)

    def tags(self, limit: int = 200) -> dict[str, int]:
        """The most used tags, with the number of experiments that have each."""
        count = func.count()
        query = select(Tag.tag, count).group_by(Tag.tag).order_by(count.desc(), Tag.tag)
        with self._transactions.read() as session:
            return {row[0]: row[1] for row in session.execute(query.limit(limit))}

    def runs(self, experiment_id: str) -> list[RunRecord]:
        """All runs of an experiment by index, or NotFoundError."""
        with self._transactions.read() as session:
            self._row(session, experiment_id)
            query = select(Run).where(Run.experiment_id == experiment_id).order_by(Run.index)
            return [RunRecord.of(row) for row in session.scalars(query)]

    @repeats
    def change(
        self, experiment_id: str, name: str | None = None, tags: list[str] | None = None
    ) -> None:
        """Set the name, the tags, or both."""
        with self._transactions.write(durable=True) as session:
            row = self._row(session, experiment_id)
            row.updated_at = datetime.now(UTC)
            if name is not None:
                row.name = name
            if tags is not None:
                session.execute(delete(Tag).where(Tag.experiment_id == experiment_id))
                add_tags(session, experiment_id, tags)

    @repeats
    def delete(self, experiment_id: str) -> None:
        """Remove an experiment and all that belongs to it; WrongStateError while runs train."""
        with self._transactions.write(durable=True) as session:
            row = self._row(session, experiment_id)
            _lock_runs(session, experiment_id)
            counts = self._counts(session, [experiment_id]).get(experiment_id, {})
            if counts.get("running"):
                raise WrongStateError(
                    f"The experiment has {counts['running']} running runs; cancel it, wait until "
                    "they have stopped, then delete it."
                )
            shared = blobs.of_runs(session, Run.experiment_id == experiment_id)
            session.delete(row)
            session.flush()
            blobs.drop_unused(session, shared)

    @repeats
    def cancel(self, experiment_id: str) -> None:
        """Cancel waiting runs and ask running ones to stop; WrongStateError when all ended."""
        with self._transactions.write(durable=True) as session:
            self._row(session, experiment_id)
            _lock_runs(session, experiment_id)
            mine = Run.experiment_id == experiment_id
            waiting_ids = select(Run.id).where(mine, Run.state == "queued")
            session.execute(
                delete(StoredCheckpoint).where(StoredCheckpoint.run_id.in_(waiting_ids))
            )
            waiting = session.execute(
                update(Run)
                .where(mine, Run.state == "queued")
                .values(state="cancelled", finished_at=datetime.now(UTC))
            )
            running = session.execute(
                update(Run).where(mine, Run.state == "running").values(cancel_requested=True)
            )
            if not waiting.rowcount and not running.rowcount:  # type: ignore[attr-defined]
                raise WrongStateError(
                    "All runs have ended; only queued or running ones can be cancelled."
                )

    @repeats
    def retry(
        self, experiment_id: str, quota: Quota | None = None, origin: Origin = NOWHERE
    ) -> list[str]:
        """Queue failed and cancelled runs again; returns their ids, WrongStateError if none."""
        with self._transactions.write(durable=True) as session:
            if quota:
                one_at_a_time(session)
            row = self._row(session, experiment_id)
            _lock_runs(session, experiment_id)
            query = (
                select(Run.id)
                .where(Run.experiment_id == experiment_id, Run.state.in_(("failed", "cancelled")))
                .order_by(Run.index)
            )
            ids = list(session.scalars(query))
            if not ids:
                raise WrongStateError(
                    "No run has failed or was cancelled; there is nothing to retry."
                )
            session.execute(
                update(Run)
                .where(Run.experiment_id == experiment_id)
                .where(Run.state.in_(("failed", "cancelled")))
                .values(
                    state="queued",
                    cancel_requested=False,
                    attempts_left=self._max_attempts,
                    error=None,
                    epoch=0,
                    progress=0.0,
                    finished_at=None,
                    message_at=now(self._transactions.engine),
                    **vars(origin),
                )
            )
            if quota:
                check(session, quota, row.token_id)
            return ids

    def _insert(self, session: Session, submission: Submission) -> str:
        moment = datetime.now(UTC)
        identifier = str(uuid7())
        session.add(
            Experiment(
                id=identifier,
                name=submission.spec.name,
                preset=submission.preset,
                token_id=submission.token_id,
                estimated_seconds=submission.estimated_seconds,
                spec=submission.spec.model_dump(mode="json"),
                created_at=moment,
                updated_at=moment,
                # As if just served: newcomers wait one round at most, and so does everyone else.
                served_at=session.scalar(select(func.max(Experiment.served_at))),
            )
        )
        session.flush()
        add_tags(session, identifier, submission.spec.tags)
        documents: dict[int, object] = {}
        session.execute(
            Run.__table__.insert(),  # type: ignore[attr-defined]
            [
                {
                    "id": str(uuid7()),
                    "experiment_id": identifier,
                    "index": run.index,
                    "params": run.params,
                    "seed": run.seed,
                    "spec": documents.setdefault(id(run.spec), run.spec.model_dump(mode="json")),
                    "state": "queued",
                    "attempts_left": self._max_attempts,
                    "errors": [],
                    "created_at": moment,
                    "content_key": content_key,
                    "engine_version": submission.engine_version,
                    **vars(submission.origin),
                }
                for run, content_key in itertools.zip_longest(
                    submission.runs, submission.content_keys
                )
            ],
        )
        session.execute(
            update(Run)
            .where(Run.experiment_id == identifier)
            .values(message_at=now(self._transactions.engine))
        )
        if submission.key is not None:
            session.add(
                IdempotencyKey(
                    key=submission.key,
                    request_hash=submission.request_hash,
                    experiment_id=identifier,
                    created_at=moment,
                )
            )
        return identifier

    def _known(self, session: Session, submission: Submission) -> str | None:
        if submission.key is None:
            return None
        row = session.get(IdempotencyKey, submission.key)
        if row is None:
            return None
        if row.request_hash != submission.request_hash:
            raise KeyConflictError("This Idempotency-Key was used with a different request.")
        return row.experiment_id

    def _row(self, session: Session, experiment_id: str) -> Experiment:
        row = session.get(Experiment, experiment_id)
        if row is None:
            raise NotFoundError(f"There is no experiment '{experiment_id}'.")
        return row

    def _counts(self, session: Session, ids: Sequence[str]) -> dict[str, dict[str, int]]:
        query = (
            select(Run.experiment_id, Run.state, func.count())
            .where(Run.experiment_id.in_(ids))
            .group_by(Run.experiment_id, Run.state)
        )
        counts: dict[str, dict[str, int]] = {}
        for experiment_id, state, count in session.execute(query):
            counts.setdefault(experiment_id, {})[state] = count
        return counts

    def _records(self, session: Session, rows: Sequence[Experiment]) -> list[ExperimentRecord]:
        ids = [row.id for row in rows]
        counts = self._counts(session, ids)
        means = select(Run.experiment_id, func.avg(Run.progress)).where(Run.experiment_id.in_(ids))
        progress = {row[0]: row[1] for row in session.execute(means.group_by(Run.experiment_id))}
        tags: dict[str, list[str]] = {}
        query = select(Tag).where(Tag.experiment_id.in_(ids)).order_by(Tag.position)
        for tag in session.scalars(query):
            tags.setdefault(tag.experiment_id, []).append(tag.tag)
        return [
            ExperimentRecord.of(
                row, tags.get(row.id, []), counts.get(row.id, {}), float(progress.get(row.id) or 0)
            )
            for row in rows
        ]


def add_tags(session: Session, experiment_id: str, tags: list[str]) -> None:
    """Add the tags of a new experiment, in order, each once."""
    for position, tag in enumerate(dict.fromkeys(tags)):
        session.add(Tag(experiment_id=experiment_id, tag=tag, position=position))


def _submitted(session: Session, experiment_id: str) -> list[Count]:
    reused = Run.reused_from.is_not(None)
    query = select(func.count(), func.count().filter(reused)).select_from(Run)
    runs, copies = session.execute(query.where(Run.experiment_id == experiment_id)).one()
    counts = (Count(SUBMITTED, "train", runs - copies), Count(SUBMITTED, "reuse", copies))
    return [tally for tally in counts if tally.amount]


def _lock_runs(session: Session, experiment_id: str) -> None:
    """Before the experiment's own row and in one order, as leases do: no deadlock."""
    query = select(Run.id).where(Run.experiment_id == experiment_id).order_by(Run.id)
    session.execute(query.with_for_update()).all()


def _in_state(query: Select[Experiment], state: State) -> Select[Experiment]:
    """The SQL twin of ``states.experiment_state``."""

    def has(*states: str) -> ColumnElement[bool]:
        return exists().where(and_(Run.experiment_id == Experiment.id, Run.state.in_(states)))

    running, queued, ended = has("running"), has("queued"), has(*TERMINAL)
    conditions = {
        "running": or_(running, and_(queued, ended)),
        "queued": and_(~running, queued, ~ended),
        "failed": and_(~running, ~queued, has("failed")),
        "cancelled": and_(
            ~has("running", "queued", "failed"),
            has("cancelled"),
        ),
        "succeeded": ~has("running", "queued", "failed", "cancelled"),
    }
    return query.where(conditions[state])
