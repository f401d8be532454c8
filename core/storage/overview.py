"""The state of the whole service in a few cheap reads: for readiness, metrics and autoscaling."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select

from reglab.core.results import STATES
from reglab.core.storage.database import Transactions, now
from reglab.core.storage.models import Run, Worker
from reglab.core.storage.runs import WORKER_FRESH_SECONDS


@dataclass(frozen=True)
class Overview:
    """One look at queue and workers.

    Attributes:
        runs: Number of runs in each state.
        oldest_queued_seconds: Since the longest waiting run was submitted (or its experiment
            retried: then since its submission too); 0 if nothing waits.
        workers: Workers seen within the last 20 s.
        slots: Runs that these train at once.
        worker_seconds: Since the freshest worker was seen; None if none is known.
    """

    runs: dict[str, int]
    oldest_queued_seconds: float
    workers: int
    slots: int
    worker_seconds: float | None


class Overviews:
    """Repository of that look."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._now = now(transactions.engine)

    def read(self) -> Overview:
        """Look; each statement is answered from an index or the short table of workers."""
        count = func.count()
        age = func.abs(self._now - Worker.seen)
        fresh = age < WORKER_FRESH_SECONDS
        workers = select(
            func.min(age),
            count.filter(fresh),
            func.sum(Worker.slots).filter(fresh),
        ).select_from(Worker)
        # Ids are UUIDv7, so the smallest is the oldest.
        oldest = select(Run.created_at).where(Run.state == "queued").order_by(Run.id).limit(1)
        with self._transactions.read() as session:
            states = session.execute(select(Run.state, count).group_by(Run.state)).all()
            since = session.scalar(oldest)
            freshest, alive, slots = session.execute(workers).one()
        waited = (datetime.now(UTC) - since).total_seconds() if since else 0.0
        return Overview(
            dict.fromkeys(STATES, 0) | {row[0]: row[1] for row in states},
            max(0.0, waited),
            int(alive or 0),
            int(slots or 0),
            None if freshest is None else float(freshest),
        )
