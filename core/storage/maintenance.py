"""Maintenance: ends the leases of the silent, finds vanished messages, knows which workers live."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from reglab.core.storage.counters import Count, expired, note
from reglab.core.storage.database import Transactions, now, repeats
from reglab.core.storage.leases import Beat, LeaseWatch
from reglab.core.storage.models import Run, Worker
from reglab.core.storage.records import Reaped
from reglab.core.storage.runs import WORKER_FRESH_SECONDS, drop_checkpoint, living_slots, note_error

FORGET_SECONDS = 86_400.0


def nobody(_owner: str) -> bool:
    """Knows of no dead owner."""
    return False


class Maintenance:
    """What a living worker does for all; several may do it at the same time.

    It remembers the leases that it saw, so one object must do all the reaping of a process.
    """

    def __init__(self, transactions: Transactions, watch: LeaseWatch) -> None:
        self._transactions = transactions
        self._watch = watch
        self._now = now(transactions.engine)

    @repeats
    def reap(
        self,
        resend_seconds: float,
        limit: int = 500,
        is_dead: Callable[[str], bool] = nobody,
    ) -> Reaped:
        """Take back ended leases, and list runs whose message must have vanished.

        Messages are sent again only while workers have free slots: a run that waits behind others
        has not lost its message, and sending it again and again would fill the broker.

        Args:
            resend_seconds: How long a run may wait before its message counts as vanished.
            limit: Most messages to send at once.
            is_dead: Whether this owner of a lease has certainly ended; its lease ends at once.
        """
        beats, dead = self._look(is_dead)
        ended = self._watch.ended(beats) | dead
        with self._transactions.write() as session:
            requeued = failed = cancelled = 0
            counts: list[Count] = []
            for row in self._still_silent(session, ended, beats):
                if row.cancel_requested:
                    _end_cancelled(session, row)
                    cancelled += 1
                    counts += expired(row, "cancelled")
                    continue
                again = row.attempts_left > 0
                note_error(row, _lost(row), again)
                requeued, failed = requeued + again, failed + (not again)
                counts += expired(row, "queued" if again else "failed")
            session.flush()
            send = self._vanished(session, resend_seconds, limit)
            note(session, "reap", counts)
        return Reaped(send, requeued, failed, cancelled)

    @repeats
    def take_back(self) -> int:
        """Hand back all runs that are marked as running, as in a restored database, where no worker
        can be training them; the attempt is not counted. Returns how many are queued again."""
        with self._transactions.write(durable=True) as session:
            rows = list(session.scalars(select(Run).where(Run.state == "running")))
            for row in rows:
                if row.cancel_requested:
                    _end_cancelled(session, row)
                    continue
                row.state, row.attempts_left = "queued", row.attempts_left + 1
                row.lease_owner = row.lease_expires = row.message_at = None
            return sum(row.state == "queued" for row in rows)

    @repeats
    def seen(self, worker: str, slots: int) -> None:
        """Note that a worker with so many slots is alive; forget those not seen for a day."""
        with self._transactions.write() as session:
            row = session.get(Worker, worker) or Worker(name=worker)
            row.slots = slots
            row.seen = session.scalar(select(self._now)) or 0.0
            session.add(row)
            session.flush()
            session.execute(delete(Worker).where(Worker.seen < self._now - FORGET_SECONDS))

    @repeats
    def gone(self, worker: str) -> None:
        """Forget a worker that ended."""
        with self._transactions.write() as session:
            session.execute(delete(Worker).where(Worker.name == worker))

    def worker_age(self, prefix: str = "") -> float | None:
        """Seconds since a worker (whose name begins so) was last seen; None if none ever was."""
        with self._transactions.read() as session:
            query = select(func.min(func.abs(self._now - Worker.seen)))
            mine = Worker.name.startswith(prefix, autoescape=True)
            age = session.scalar(query.where(mine))
            return None if age is None else float(age)

    def _look(self, is_dead: Callable[[str], bool]) -> tuple[dict[str, Beat], set[str]]:
        query = select(Run.id, Run.attempt, Run.lease_expires, Run.lease_owner)
        with self._transactions.read() as session:
            rows = list(session.execute(query.where(Run.state == "running")))
        beats = {row.id: (row.attempt, row.lease_expires) for row in rows}
        return beats, {row.id for row in rows if is_dead(row.lease_owner or "")}

    def _still_silent(
        self, session: Session, ended: Collection[str], beats: dict[str, Beat]
    ) -> list[Run]:
        """The rows, locked, of those that did not speak since they were looked at."""
        if not ended:
            return []
        query = select(Run).where(Run.id.in_(ended), Run.state == "running").order_by(Run.id)
        rows = session.scalars(query.with_for_update(skip_locked=True))
        return [row for row in rows if (row.attempt, row.lease_expires) == beats[row.id]]

    def _vanished(self, session: Session, resend_seconds: float, limit: int) -> list[str]:
        running = select(func.count()).select_from(Run).where(Run.state == "running")
        free = living_slots(session, self._now) - int(session.scalar(running) or 0)
        if free <= 0:
            return []
        # Later than now is a clock that was set back: such a message is not young for ever.
        late = or_(
            Run.message_at.is_(None),
            Run.message_at < self._now - resend_seconds,
            Run.message_at > self._now + WORKER_FRESH_SECONDS,
        )
        query = select(Run.id).where(Run.state == "queued", late).order_by(Run.id)
        query = query.limit(min(limit, 2 * free)).with_for_update(skip_locked=True)
        ids = list(session.scalars(query))
        if ids:
            session.execute(update(Run).where(Run.id.in_(ids)).values(message_at=self._now))
        return ids


def _end_cancelled(session: Session, row: Run) -> None:
    row.state, row.finished_at = "cancelled", datetime.now(UTC)
    row.lease_owner = row.lease_expires = None
    drop_checkpoint(session, row.id)


def _lost(row: Run) -> dict[str, Any]:
    return {
        "type": "worker-lost",
        "detail": f"The worker of attempt {row.attempt} stopped without reporting.",
        "remedy": "Look into the worker's log (memory?), then retry the experiment.",
    }
