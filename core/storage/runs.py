"""Runs: claims, leases, fenced writes, and the sweep that loses nothing.

A message is a hint. Whoever holds the current (attempt, owner) of a running run may write; every
write starts with a conditional UPDATE on just that, which also renews the lease, so a worker that
was thought dead writes nothing once another attempt has begun.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import Session

from reglab.core.storage import codec
from reglab.core.storage.engine import Transactions, now
from reglab.core.storage.models import (
    Array,
    Experiment,
    MetricChunk,
    Run,
    StoredCheckpoint,
    Worker,
)
from reglab.core.storage.records import Claim, RunRecord, Swept, Written
from reglab.core.storage.states import LeaseLost, NotFound

Columns = Mapping[str, NDArray[Any]]
CheckpointData = tuple[Mapping[str, NDArray[Any]], dict[str, Any]]
WORKER_FRESH_SECONDS = 20.0


class Runs:
    """Repository of runs; every method is one transaction."""

    def __init__(self, transactions: Transactions, lease_seconds: float) -> None:
        self._transactions = transactions
        self._lease = lease_seconds
        self._now = now(transactions.engine)

    def get(self, run_id: str) -> RunRecord:
        """One run, or NotFound."""
        with self._transactions.read() as session:
            row = session.get(Run, run_id)
            if row is None:
                raise NotFound(f"There is no run '{run_id}'.")
            return RunRecord.of(row)

    def claim_next(self, owner: str) -> Claim | None:
        """Claim the queued run whose turn it is, or None if nothing waits.

        The experiment that was served least recently goes first, so that a long experiment does not
        starve a short one that was submitted after it.
        """
        while True:
            with self._transactions.write() as session:
                candidate = self._candidate(session)
                if candidate is None:
                    return None
                claim = self._claim(session, candidate, owner)
            if claim is not None:
                return claim

    def claim(self, run_id: str, owner: str) -> Claim | None:
        """Claim this run if it is queued, else None."""
        with self._transactions.write() as session:
            return self._claim(session, run_id, owner)

    def record(
        self,
        claim: Claim,
        epoch: int,
        progress: float,
        columns: Columns | None = None,
        checkpoint: CheckpointData | None = None,
    ) -> Written:
        """Renew the lease; store progress, finished metric columns, and a checkpoint if given.

        A checkpoint goes with all columns up to its epoch, in one transaction: what a later attempt
        finds is either both or neither.

        Raises:
            LeaseLost: The claim is not current; nothing was written.
        """
        with self._transactions.write() as session:
            cancel = self._fence(session, claim, {"epoch": epoch, "progress": progress})
            _add_columns(session, claim.run_id, columns)
            if checkpoint is not None:
                _store_checkpoint(session, claim.run_id, epoch, checkpoint)
        return Written(cancel)

    def heartbeat(self, claim: Claim) -> Written:
        """Renew the lease and nothing else; LeaseLost as in ``record``."""
        with self._transactions.write() as session:
            return Written(self._fence(session, claim, {}))

    def finish(
        self,
        claim: Claim,
        columns: Columns | None,
        arrays: Mapping[str, NDArray[Any]],
        summary: dict[str, Any],
        epoch: int | None = None,
    ) -> None:
        """Store all results and mark the run succeeded, in one transaction; LeaseLost as above.

        ``epoch`` is the last one trained, if it should be noted.
        """
        encoded = {name: codec.encode(array) for name, array in arrays.items()}
        with self._transactions.write() as session:
            values = {"state": "succeeded", "progress": 1.0, "summary": summary, "error": None}
            # After early stopping the kept network is older than the last epoch.
            last = summary.get("final", {}).get("epoch") if epoch is None else epoch
            if last is not None:
                values["epoch"] = last
            self._fence(session, claim, values | _ended())
            _add_columns(session, claim.run_id, columns)
            session.execute(delete(Array).where(Array.run_id == claim.run_id))
            for name, item in encoded.items():
                session.add(Array(run_id=claim.run_id, name=name, **vars(item)))
            _drop_checkpoint(session, claim.run_id)

    def fail(self, claim: Claim, error: dict[str, Any], retry: bool) -> bool:
        """Keep the error; queue the run again if asked to and attempts are left, else fail it.

        Returns:
            Whether the run was queued again.
        """
        with self._transactions.write() as session:
            self._fence(session, claim, {})
            row = session.get_one(Run, claim.run_id)
            again = retry and row.attempts_left > 0
            _note_error(row, error, again)
            if not again:
                _drop_checkpoint(session, claim.run_id)
            return again

    def release(
        self,
        claim: Claim,
        epoch: int,
        columns: Columns | None = None,
        checkpoint: CheckpointData | None = None,
    ) -> None:
        """Give a run back to the queue unharmed, as at shutdown; the attempt is not counted."""
        with self._transactions.write() as session:
            values: dict[str, Any] = {
                "state": "queued",
                "lease_owner": None,
                "lease_expires": None,
                "epoch": epoch,
            }
            values |= {"message_at": None, "attempts_left": Run.attempts_left + 1}
            self._fence(session, claim, values)
            if checkpoint is not None:
                _add_columns(session, claim.run_id, columns)
                _store_checkpoint(session, claim.run_id, epoch, checkpoint)

    def cancelled(self, claim: Claim, columns: Columns | None = None) -> None:
        """Mark a run cancelled after its worker has stopped; keeps the curves so far."""
        with self._transactions.write() as session:
            self._fence(session, claim, {"state": "cancelled", **_ended()})
            _add_columns(session, claim.run_id, columns)
            _drop_checkpoint(session, claim.run_id)

    def sweep(self, resend_seconds: float, limit: int = 500) -> Swept:
        """Take back expired leases, and list runs whose message must have vanished.

        Messages are sent again only while workers have free slots: a run that waits behind others
        has not lost its message, and sending it again and again would fill the broker.
        """
        with self._transactions.write() as session:
            expired = select(Run).where(Run.state == "running", Run.lease_expires < self._now)
            rows = list(session.scalars(expired.with_for_update(skip_locked=True)))
            requeued = failed = cancelled = 0
            for row in rows:
                if row.cancel_requested:
                    row.state, cancelled = "cancelled", cancelled + 1
                    row.finished_at = datetime.now(UTC)
                    row.lease_owner = row.lease_expires = None
                    continue
                again = row.attempts_left > 0
                _note_error(row, _lost(row), again)
                requeued, failed = requeued + again, failed + (not again)
                if not again:
                    _drop_checkpoint(session, row.id)
            session.flush()
            send = self._vanished(session, resend_seconds, limit)
        return Swept(send, requeued, failed, cancelled)

    def seen(self, worker: str, slots: int) -> None:
        """Note that a worker with so many slots is alive; forget those not seen for a day."""
        with self._transactions.write() as session:
            row = session.get(Worker, worker) or Worker(name=worker)
            row.slots = slots
            row.seen = session.scalar(select(self._now)) or 0.0
            session.add(row)
            session.execute(delete(Worker).where(Worker.seen < self._now - 86_400))

    def gone(self, worker: str) -> None:
        """Forget a worker that ended."""
        with self._transactions.write() as session:
            session.execute(delete(Worker).where(Worker.name == worker))

    def worker_age(self) -> float | None:
        """Seconds since any worker was last seen, or None if none ever was."""
        with self._transactions.read() as session:
            age = session.scalar(select(self._now - func.max(Worker.seen)))
            return None if age is None else float(age)

    def slots(self) -> int:
        """How many runs the living workers train at once."""
        with self._transactions.read() as session:
            return self._slots(session)

    def counts(self) -> dict[str, int]:
        """Number of runs by state."""
        with self._transactions.read() as session:
            query = select(Run.state, func.count()).group_by(Run.state)
            return {row[0]: row[1] for row in session.execute(query)}

    def _candidate(self, session: Session) -> str | None:
        waits = exists().where(Run.experiment_id == Experiment.id, Run.state == "queued")
        order = (Experiment.served_at.asc().nulls_first(), Experiment.id)
        first = select(Experiment.id).where(waits).order_by(*order).limit(1).scalar_subquery()
        query = (
            select(Run.id)
            .where(Run.experiment_id == first, Run.state == "queued")
            .order_by(Run.index)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        found = session.scalar(query)
        if found is not None or session.bind is None or session.bind.dialect.name == "sqlite":
            return found
        # Another worker holds that row; any other waiting run is as good.
        query = select(Run.id).where(Run.state == "queued").order_by(Run.id).limit(1)
        return session.scalar(query.with_for_update(skip_locked=True))

    def _claim(self, session: Session, run_id: str, owner: str) -> Claim | None:
        taken = session.execute(
            update(Run)
            .where(Run.id == run_id, Run.state == "queued")
            .values(
                state="running",
                attempt=Run.attempt + 1,
                attempts_left=Run.attempts_left - 1,
                lease_owner=owner,
                lease_expires=self._now + self._lease,
                started_at=datetime.now(UTC),
                finished_at=None,
                cancel_requested=False,
            )
        )
        if not taken.rowcount:  # type: ignore[attr-defined]
            return None
        row = session.get_one(Run, run_id, populate_existing=True)
        session.execute(
            update(Experiment).where(Experiment.id == row.experiment_id).values(served_at=self._now)
        )
        stored = session.get(StoredCheckpoint, run_id)
        # Columns beyond the checkpoint will be made again, to the same bits.
        epoch = stored.epoch if stored else -1
        session.execute(
            delete(MetricChunk).where(MetricChunk.run_id == run_id, MetricChunk.last_epoch > epoch)
        )
        checkpoint = (codec.unpack(stored.arrays), stored.state) if stored else None
        return Claim(run_id, row.attempt, owner, RunRecord.of(row), checkpoint)

    def _fence(self, session: Session, claim: Claim, values: dict[str, Any]) -> bool:
        renewed = {"lease_expires": self._now + self._lease} | values
        result = session.execute(
            update(Run)
            .where(
                Run.id == claim.run_id,
                Run.state == "running",
                Run.attempt == claim.attempt,
                Run.lease_owner == claim.owner,
            )
            .values(renewed)
            .returning(Run.cancel_requested),
            execution_options={"synchronize_session": False},
        ).all()
        if not result:
            raise LeaseLost(f"Attempt {claim.attempt} of run {claim.run_id} is not current.")
        return bool(result[0][0])

    def _slots(self, session: Session) -> int:
        fresh = Worker.seen > self._now - WORKER_FRESH_SECONDS
        return int(session.scalar(select(func.sum(Worker.slots)).where(fresh)) or 0)

    def _vanished(self, session: Session, resend_seconds: float, limit: int) -> list[str]:
        running = select(func.count()).select_from(Run).where(Run.state == "running")
        free = self._slots(session) - int(session.scalar(running) or 0)
        if free <= 0:
            return []
        late = (Run.message_at.is_(None)) | (Run.message_at < self._now - resend_seconds)
        query = select(Run.id).where(Run.state == "queued", late).order_by(Run.id)
        ids = list(session.scalars(query.limit(min(limit, 2 * free))))
        session.execute(update(Run).where(Run.id.in_(ids)).values(message_at=self._now))
        return ids


def _ended() -> dict[str, Any]:
    return {"lease_owner": None, "lease_expires": None, "finished_at": datetime.now(UTC)}


def _lost(row: Run) -> dict[str, Any]:
    return {
        "type": "worker-lost",
        "detail": f"The worker of attempt {row.attempt} stopped without a word.",
        "remedy": "Look into the worker's log (memory?), then retry the experiment.",
    }


def _note_error(row: Run, error: dict[str, Any], again: bool) -> None:
    entry = {**error, "attempt": row.attempt, "at": datetime.now(UTC).isoformat()}
    row.errors = [*row.errors, entry]
    row.lease_owner = row.lease_expires = None
    if again:
        row.state, row.message_at = "queued", None
    else:
        row.state, row.error, row.finished_at = "failed", entry, datetime.now(UTC)


def _add_columns(session: Session, run_id: str, columns: Columns | None) -> None:
    if columns is None or not len(columns["epoch"]):
        return
    epochs = np.asarray(columns["epoch"])
    session.add(
        MetricChunk(
            run_id=run_id,
            first_epoch=int(epochs[0]),
            last_epoch=int(epochs[-1]),
            points=len(epochs),
            columns=codec.pack(columns),
        )
    )


def _store_checkpoint(session: Session, run_id: str, epoch: int, data: CheckpointData) -> None:
    arrays, state = data
    row = session.get(StoredCheckpoint, run_id) or StoredCheckpoint(run_id=run_id)
    row.epoch, row.state, row.arrays = epoch, state, codec.pack(arrays)
    session.add(row)


def _drop_checkpoint(session: Session, run_id: str) -> None:
    session.execute(delete(StoredCheckpoint).where(StoredCheckpoint.run_id == run_id))
