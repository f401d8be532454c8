"""How much may wait or be stored: checked in the transaction that adds to it, one at a time."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from reglab.core.results import TERMINAL
from reglab.core.storage import blobs
from reglab.core.storage.models import Experiment, Run
from reglab.core.storage.states import StorageError

# Any number that no other lock of the database uses.
LOCK = 0x5E61AB


@dataclass(frozen=True)
class Quota:
    """What may wait, or be stored, at most.

    Attributes:
        queued_runs: Runs of all experiments together that wait for a worker.
        token_seconds: Estimated seconds of one core for the unfinished runs of one token, or of
            all experiments without a token.
        stored_bytes: Bytes of results of the experiments of one token, or of all without one.
    """

    queued_runs: int
    token_seconds: float
    stored_bytes: int


class QuotaExceededError(StorageError):
    """More would wait or be stored than may; nothing was stored.

    Attributes:
        name: Field of the quota.
        found: How much it would be.
    """

    def __init__(self, name: str, found: float) -> None:
        self.name, self.found = name, found
        super().__init__(f"{name}: {found:g}")


def one_at_a_time(session: Session) -> None:
    """Let nobody else add until this transaction ends, so that two never pass the same check.

    SQLite's writing transactions are so by themselves.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})


def check(session: Session, quota: Quota, token_id: str | None) -> None:
    """After something was added for a token: raises QuotaExceededError, which undoes it."""
    waiting = session.scalar(select(func.count()).where(Run.state == "queued")) or 0
    if waiting > quota.queued_runs:
        raise QuotaExceededError("queued_runs", waiting)
    seconds = unfinished_seconds(session, token_id)
    if seconds > quota.token_seconds:
        raise QuotaExceededError("token_seconds", seconds)
    check_stored(session, quota.stored_bytes, token_id)


def check_stored(session: Session, limit: int, token_id: str | None) -> None:
    """After results were added for a token: raises QuotaExceededError, which undoes it."""
    found = blobs.stored_bytes(session, token_id, limit)
    if found > limit:
        raise QuotaExceededError("stored_bytes", found)


def unfinished_seconds(session: Session, token_id: str | None) -> float:
    """Estimated seconds of a token's unfinished runs; each has an equal part of its experiment."""
    waiting = (
        select(Run.experiment_id, func.count().label("runs"))
        .where(Run.state.not_in(TERMINAL))
        .group_by(Run.experiment_id)
        .subquery()
    )
    all_runs = select(func.count()).where(Run.experiment_id == Experiment.id).scalar_subquery()
    part = Experiment.estimated_seconds * waiting.c.runs / all_runs
    query = select(func.sum(part)).join(waiting, waiting.c.experiment_id == Experiment.id)
    return float(
        session.scalar(query.where(Experiment.token_id.is_not_distinct_from(token_id))) or 0
    )
