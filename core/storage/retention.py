"""What is old enough to go, and its deletion."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import case, delete, exists, func, select, text, union
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from reglab.core.results import TERMINAL
from reglab.core.storage import blobs
from reglab.core.storage.database import Transactions, repeats
from reglab.core.storage.models import (
    Blob,
    BrowserSession,
    Experiment,
    IdempotencyKey,
    Run,
    StoredCheckpoint,
    Tag,
)

KEEP_TAG = "keep"
# Bounds the number of bound parameters of one statement.
BATCH = 200


@dataclass(frozen=True)
class Old:
    """An experiment that may go.

    Attributes:
        id, name: Which.
        ended_at: When the last of its runs ended.
        runs: How many it has.
        bytes: Size of curves and arrays.
    """

    id: str
    name: str
    ended_at: datetime
    runs: int
    bytes: int


@dataclass(frozen=True)
class Rule:
    """What counts as old.

    Attributes:
        before: The last run has ended by then.
        tag: Only experiments with this tag.
        keep_tags: None with one of these.
    """

    before: datetime
    tag: str | None = None
    keep_tags: Sequence[str] = (KEEP_TAG,)


class Retention:
    """Repository of what may go; each deletion is a transaction of one experiment."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def old(self, rule: Rule) -> list[Old]:
        """Experiments that the rule lets go, oldest first."""
        with self._transactions.read() as session:
            rows = session.execute(_old(rule)).all()
            sizes = {}
            for at in range(0, len(rows), BATCH):
                sizes.update(_sizes(session, [row.id for row in rows[at : at + BATCH]]))
        return [Old(row.id, row.name, row.ended, row.runs, sizes.get(row.id, 0)) for row in rows]

    @repeats
    def delete(self, experiment_id: str, rule: Rule) -> bool:
        """Delete it with all its results if the rule still lets it go, else return False.

        It may have been retried or tagged since it was listed.
        """
        with self._transactions.write(durable=True) as session:
            mine = select(Run.id).where(Run.experiment_id == experiment_id).order_by(Run.id)
            session.execute(mine.with_for_update()).all()
            if session.execute(_old(rule).where(Experiment.id == experiment_id)).first() is None:
                return False
            shared = blobs.of_runs(session, Run.experiment_id == experiment_id)
            # The database deletes what belongs to it.
            session.execute(delete(Experiment).where(Experiment.id == experiment_id))
            blobs.drop_unused(session, shared)
            return True

    @repeats
    def expired(self, before: datetime, dry: bool) -> dict[str, int]:
        """Number of idempotency keys made before then, ended browser sessions, checkpoints of
        ended runs, and results without a run; deleted unless ``dry``."""
        ended = exists().where(Run.id == StoredCheckpoint.run_id, Run.state.in_(TERMINAL))
        conditions: dict[str, tuple[type, ColumnElement[bool]]] = {
            "idempotency keys": (IdempotencyKey, IdempotencyKey.created_at < before),
            "browser sessions": (BrowserSession, BrowserSession.expires_at < datetime.now(UTC)),
            "checkpoints of ended runs": (StoredCheckpoint, ended),
        }
        found = {}
        with self._transactions.write(durable=True) as session:
            for name, (table, condition) in conditions.items():
                count = select(func.count()).select_from(table).where(condition)
                found[name] = int(session.scalar(count) or 0)
                if found[name] and not dry:
                    session.execute(delete(table).where(condition))
            found["results without a run"] = blobs.unused(session)
            if not dry:
                blobs.drop_all_unused(session)
        return found

    def vacuum(self) -> None:
        """Give the room back to the disk (SQLite), or to later rows (Postgres)."""
        engine = self._transactions.engine
        if engine.dialect.name == "sqlite":
            with contextlib.closing(engine.raw_connection()) as raw:
                # Past the engine, which begins a transaction before each statement.
                for statement in ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                    raw.driver_connection.execute(statement)  # type: ignore[union-attr]
            return
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM"))


def _old(rule: Rule) -> Any:
    """Columns id, name, ended, runs of what may go."""
    ended = func.max(Run.finished_at)
    waits = case((Run.state.in_(TERMINAL), 0), else_=1)
    query = (
        select(Experiment.id, Experiment.name, ended.label("ended"), func.count().label("runs"))
        .join(Run, Run.experiment_id == Experiment.id)
        # Whoever renames or tags an experiment is not done with it.
        .where(Experiment.updated_at < rule.before)
        .group_by(Experiment.id)
        .having(ended < rule.before, func.sum(waits) == 0)
        .order_by(ended)
    )
    if rule.tag is not None:
        query = query.where(_tagged([rule.tag]))
    return query.where(~_tagged(rule.keep_tags)) if rule.keep_tags else query


def _tagged(tags: Sequence[str]) -> ColumnElement[bool]:
    return exists().where(Tag.experiment_id == Experiment.id, Tag.tag.in_(tags))


def _sizes(session: Session, ids: Sequence[str]) -> dict[str, int]:
    """Bytes of results by experiment; what its runs share counts once."""
    refers = union(
        *(
            select(Run.experiment_id, table.blob)
            .join_from(Run, table)
            .where(Run.experiment_id.in_(ids))
            for table in blobs.REFERRERS
        )
    ).subquery()
    query = (
        select(refers.c.experiment_id, func.sum(Blob.size))
        .join_from(refers, Blob, Blob.sha256 == refers.c.blob)
        .group_by(refers.c.experiment_id)
    )
    found = {row[0]: int(row[1]) for row in session.execute(query)}
    return {one: found.get(one, 0) for one in ids}
