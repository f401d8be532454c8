"""Runs: leases and fenced writes.

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
from sqlalchemy import and_, delete, exists, func, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from reglab.core.storage import blobs, codec
from reglab.core.storage.counters import RELEASES, RETRIES, Count, leased, note, stopped
from reglab.core.storage.database import Transactions, moment, now, repeats
from reglab.core.storage.models import Array, Experiment, MetricChunk, Run, StoredCheckpoint, Worker
from reglab.core.storage.records import RunLease, RunRecord, Written
from reglab.core.storage.states import LeaseLostError, NotFoundError

Columns = Mapping[str, NDArray[Any]]
WORKER_FRESH_SECONDS = 20.0
CheckpointData = tuple[Mapping[str, NDArray[Any]], dict[str, Any]]


class Runs:
    """Repository of runs; every method is one transaction."""

    def __init__(self, transactions: Transactions, lease_seconds: float) -> None:
        self._transactions = transactions
        self._lease = lease_seconds
        self._now = now(transactions.engine)

    def get(self, run_id: str) -> RunRecord:
        """One run, or NotFoundError."""
        with self._transactions.read() as session:
            row = session.get(Run, run_id)
            if row is None:
                raise NotFoundError(f"There is no run '{run_id}'.")
            return RunRecord.of(row)

    def owner(self, run_id: str) -> str | None:
        """Who holds the run's lease, or None."""
        with self._transactions.read() as session:
            return session.scalar(select(Run.lease_owner).where(Run.id == run_id))

    def owners(self) -> list[str]:
        """Who holds leases at the moment."""
        query = select(Run.lease_owner).where(Run.state == "running").order_by(Run.id)
        with self._transactions.read() as session:
            return [owner for owner in session.scalars(query) if owner]

    def any_queued(self) -> bool:
        """Whether a run waits."""
        with self._transactions.read() as session:
            waits = exists().where(Run.state == "queued")
            return bool(session.scalar(select(waits)))

    @repeats
    def lease_next(
        self, owner: str, again: bool = False, engine_version: int | None = None
    ) -> RunLease | None:
        """Lease the queued run whose turn it is, or None if nothing waits.

        Of those who submit, whoever was served least recently goes first, and of his experiments
        the one that was: neither a long experiment nor many short ones make others wait. Who has
        no token counts as one.

        Args:
            owner: Who leases.
            again: The answer to an earlier lease of this owner was lost with the connection: if
                that lease was stored, give it once more.
            engine_version: Of the worker's engine. Runs submitted for a newer one are left, and a
                checkpoint of another one is dropped; None takes all as they are.
        """
        while True:
            with self._transactions.write() as session:
                mine = self._stored_lease(session, owner, engine_version) if again else None
                if mine is not None:
                    return mine
                candidate = self._candidate(session, engine_version)
                if candidate is None:
                    return None
                lease = self._take_lease(session, candidate, owner, engine_version)
            if lease is not None:
                return lease

    @repeats
    def lease(self, run_id: str, owner: str) -> RunLease | None:
        """Lease this run if it is queued, else None."""
        with self._transactions.write() as session:
            return self._take_lease(session, run_id, owner, None)

    @repeats
    def record(
        self,
        lease: RunLease,
        epoch: int,
        progress: float,
        columns: Columns | None = None,
        checkpoint: CheckpointData | None = None,
        engine_version: int | None = None,
    ) -> Written:
        """Renew the lease; store progress, finished metric columns, and a checkpoint if given.

        A checkpoint goes with all columns up to its epoch, in one transaction: what a later attempt
        finds is either both or neither. The first of an attempt gives the attempt back: only those
        that come no further count against the limit.

        Raises:
            LeaseLostError: The lease is not current; nothing was written.
        """
        with self._transactions.write() as session:
            values: dict[str, Any] = {"epoch": epoch, "progress": progress}
            if checkpoint is not None and not _has_progressed(session, lease):
                values["attempts_left"] = Run.attempts_left + 1
            cancel = self._fence(session, lease, values)
            _add_columns(session, lease.run_id, columns)
            if checkpoint is not None:
                _store_checkpoint(session, lease.run_id, epoch, checkpoint, engine_version)
        return Written(cancel)

    @repeats
    def heartbeat(self, lease: RunLease) -> Written:
        """Renew the lease and nothing else; LeaseLostError as in ``record``."""
        with self._transactions.write() as session:
            return Written(self._fence(session, lease, {}))

    @repeats
    def finish(
        self,
        lease: RunLease,
        columns: Columns | None,
        arrays: Mapping[str, NDArray[Any]],
        summary: dict[str, Any],
        epoch: int | None = None,
    ) -> None:
        """Store all results and mark the run succeeded in one transaction; LeaseLostError as above.

        ``epoch`` is the last one trained, if it should be noted.
        """
        encoded = {name: codec.encode(array) for name, array in arrays.items()}
        with self._transactions.write() as session:
            values = {"state": "succeeded", "progress": 1.0, "summary": summary, "error": None}
            # After early stopping the kept network is older than the last epoch.
            last = summary.get("final", {}).get("epoch") if epoch is None else epoch
            if last is not None:
                values["epoch"] = last
            self._fence(session, lease, values | self._ended())
            _add_columns(session, lease.run_id, columns)
            add_arrays(session, lease.run_id, encoded)
            drop_checkpoint(session, lease.run_id)
            session.flush()
            blobs.measure(session, Run.id == lease.run_id)
            trained = lease.run.epoch if last is None else int(last)
            note(session, lease.run_id, stopped(lease.run, trained, "succeeded"))

    @repeats
    def fail(
        self,
        lease: RunLease,
        error: dict[str, Any],
        retry: bool,
        columns: Columns | None = None,
        epoch: int | None = None,
    ) -> bool:
        """Keep the error; queue the run again if asked to and attempts are left, else fail it.

        Args:
            lease: Of the attempt that failed.
            error: What is told of it.
            retry: Whether another attempt may end better.
            columns: Evaluations of this attempt that are not yet stored; kept if there is no other.
            epoch: The last one trained, kept like them.

        Returns:
            Whether the run was queued again.
        """
        with self._transactions.write() as session:
            self._fence(session, lease, {})
            row = session.get_one(Run, lease.run_id)
            again = retry and row.attempts_left > 0
            note_error(row, error, again)
            if not retry:
                # The same would happen again; other failed runs keep where to go on.
                drop_checkpoint(session, lease.run_id)
                _add_columns(session, lease.run_id, columns)
                if epoch is not None:
                    row.epoch, row.progress = epoch, epoch / row.spec["training"]["epochs"]
            session.flush()
            blobs.measure(session, Run.id == lease.run_id)
            counts = stopped(row, row.epoch, None if again else "failed")
            note(session, lease.run_id, [*counts, *[Count(RETRIES)] * again])
            return again

    @repeats
    def release(
        self,
        lease: RunLease,
        epoch: int,
        columns: Columns | None = None,
        checkpoint: CheckpointData | None = None,
        engine_version: int | None = None,
    ) -> None:
        """Give a run back to the queue unharmed, as at shutdown; the attempt is not counted."""
        with self._transactions.write() as session:
            values: dict[str, Any] = {
                "state": "queued",
                "lease_owner": None,
                "lease_expires": None,
                "epoch": epoch,
            }
            values["message_at"] = None
            if not _has_progressed(session, lease):
                values["attempts_left"] = Run.attempts_left + 1
            self._fence(session, lease, values)
            if checkpoint is not None:
                _add_columns(session, lease.run_id, columns)
                _store_checkpoint(session, lease.run_id, epoch, checkpoint, engine_version)
            session.flush()
            note(session, lease.run_id, [Count(RELEASES), *stopped(lease.run, epoch)])

    @repeats
    def cancel(self, lease: RunLease, columns: Columns | None = None) -> None:
        """Mark a run cancelled after its worker has stopped; keeps the curves so far."""
        with self._transactions.write() as session:
            self._fence(session, lease, {"state": "cancelled", **self._ended()})
            _add_columns(session, lease.run_id, columns)
            drop_checkpoint(session, lease.run_id)
            session.flush()
            blobs.measure(session, Run.id == lease.run_id)
            row = session.get_one(Run, lease.run_id)
            note(session, lease.run_id, stopped(row, row.epoch, "cancelled"))

    def slots(self) -> int:
        """How many runs the living workers train at once."""
        with self._transactions.read() as session:
            return living_slots(session, self._now)

    def counts(self) -> dict[str, int]:
        """Number of runs by state."""
        with self._transactions.read() as session:
            query = select(Run.state, func.count()).group_by(Run.state)
            return {row[0]: row[1] for row in session.execute(query)}

    def _candidate(self, session: Session, engine_version: int | None) -> str | None:
        queued = Run.state == "queued"
        if engine_version is not None:
            newest = func.coalesce(Run.engine_version, engine_version)
            queued = and_(queued, newest <= engine_version)
        waits = exists().where(Run.experiment_id == Experiment.id, queued)
        submitter = func.coalesce(Experiment.token_id, "")
        last = select(submitter.label("submitter"), func.max(Experiment.turn).label("turn"))
        turns = last.group_by(submitter).subquery()
        order = (
            turns.c.turn.asc().nulls_first(),
            Experiment.served_at.asc().nulls_first(),
            Experiment.id,
        )
        first = (
            select(Experiment.id)
            .join(turns, turns.c.submitter == submitter)
            .where(waits)
            .order_by(*order)
            .limit(1)
            .scalar_subquery()
        )
        query = (
            select(Run.id)
            .where(Run.experiment_id == first, queued)
            .order_by(Run.index)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        found = session.scalar(query)
        if found is not None or session.bind is None or session.bind.dialect.name == "sqlite":
            return found
        # Another worker holds that row; any other waiting run is as good.
        query = select(Run.id).where(queued).order_by(Run.id).limit(1)
        return session.scalar(query.with_for_update(skip_locked=True))

    def _take_lease(
        self, session: Session, run_id: str, owner: str, engine_version: int | None
    ) -> RunLease | None:
        taken = session.execute(
            update(Run)
            .where(Run.id == run_id, Run.state == "queued")
            .values(
                state="running",
                attempt=Run.attempt + 1,
                attempts_left=Run.attempts_left - 1,
                lease_owner=owner,
                lease_expires=self._now + self._lease,
                started_at=moment(self._transactions.engine),
                finished_at=None,
                cancel_requested=False,
            )
        )
        if not taken.rowcount:  # type: ignore[attr-defined]
            return None
        lease = self._lease_of(session, run_id, owner, engine_version)
        # A count of leases rather than a time: fairness must not depend on a clock.
        latest = select(func.coalesce(func.max(Experiment.served_at), 0)).scalar_subquery()
        mine = Experiment.id == lease.run.experiment_id
        session.execute(
            update(Experiment).where(mine).values(served_at=latest + 1, turn=latest + 1)
        )
        note(session, run_id, leased(lease.run))
        return lease

    def _stored_lease(
        self, session: Session, owner: str, engine_version: int | None
    ) -> RunLease | None:
        query = select(Run.id).where(Run.state == "running", Run.lease_owner == owner)
        run_id = session.scalar(query.limit(1))
        if run_id is None:
            return None
        return self._lease_of(session, run_id, owner, engine_version)

    def _lease_of(
        self, session: Session, run_id: str, owner: str, engine_version: int | None
    ) -> RunLease:
        row = session.get_one(Run, run_id, populate_existing=True)
        # A first attempt finds nothing of an earlier one: most leases are spared two statements.
        stored = session.get(StoredCheckpoint, run_id) if row.attempt > 1 else None
        if stored and engine_version is not None and stored.engine_version != engine_version:
            # Its first epochs have other bits than this engine would give.
            drop_checkpoint(session, run_id)
            stored = None
        epoch = stored.epoch if stored else 0
        row.epoch, row.progress = epoch, epoch / row.spec["training"]["epochs"]
        session.flush()
        if row.attempt > 1:
            # Columns beyond the checkpoint will be made again, to the same bits.
            kept = epoch if stored else -1
            _drop_chunks(session, run_id, MetricChunk.last_epoch > kept)
        checkpoint = (codec.unpack(stored.arrays), stored.state) if stored else None
        return RunLease(run_id, row.attempt, owner, RunRecord.of(row), checkpoint)

    def _ended(self) -> dict[str, Any]:
        ended = moment(self._transactions.engine)
        return {"lease_owner": None, "lease_expires": None, "finished_at": ended}

    def _fence(self, session: Session, lease: RunLease, values: dict[str, Any]) -> bool:
        renewed = {"lease_expires": self._now + self._lease} | values
        result = session.execute(
            update(Run)
            .where(
                Run.id == lease.run_id,
                Run.state == "running",
                Run.attempt == lease.attempt,
                Run.lease_owner == lease.owner,
            )
            .values(renewed)
            .returning(Run.cancel_requested),
            execution_options={"synchronize_session": False},
        ).all()
        if not result:
            raise LeaseLostError(f"Attempt {lease.attempt} of run {lease.run_id} is not current.")
        return bool(result[0][0])


def living_slots(session: Session, moment: ColumnElement[float]) -> int:
    """How many runs the workers seen lately train at once."""
    # Both ways: a clock that was set back must not keep the dead young.
    fresh = func.abs(Worker.seen - moment) < WORKER_FRESH_SECONDS
    return int(session.scalar(select(func.sum(Worker.slots)).where(fresh)) or 0)


def note_error(row: Run, error: dict[str, Any], again: bool) -> None:
    """Keep an attempt's error; queue the run again, or fail it."""
    entry = {**error, "attempt": row.attempt, "at": datetime.now(UTC).isoformat()}
    row.errors = [*row.errors, entry]
    row.lease_owner = row.lease_expires = None
    if again:
        row.state, row.message_at = "queued", None
    else:
        row.state, row.error, row.finished_at = "failed", entry, datetime.now(UTC)


def add_arrays(session: Session, run_id: str, encoded: Mapping[str, codec.Encoded]) -> None:
    """Store the result arrays of a run."""
    blobs.keep(session, (item.data for item in encoded.values()))
    session.add_all(
        Array(
            run_id=run_id,
            name=name,
            dtype=item.dtype,
            shape=item.shape,
            codec=item.codec,
            sha256=item.sha256,
            blob=blobs.address(item.data),
        )
        for name, item in encoded.items()
    )


def add_chunk(session: Session, run_id: str, columns: Columns) -> None:
    """Store consecutive evaluations of a run, at least one."""
    epochs, data = np.asarray(columns["epoch"]), codec.pack(columns)
    blobs.keep(session, [data])
    session.add(
        MetricChunk(
            run_id=run_id,
            first_epoch=int(epochs[0]),
            last_epoch=int(epochs[-1]),
            points=len(epochs),
            blob=blobs.address(data),
        )
    )


def _add_columns(session: Session, run_id: str, columns: Columns | None) -> None:
    if columns is None or not len(columns["epoch"]):
        return
    # A write whose answer was lost with the connection is made again, perhaps with more columns.
    _drop_chunks(session, run_id, MetricChunk.first_epoch >= int(columns["epoch"][0]))
    add_chunk(session, run_id, columns)


def _drop_chunks(session: Session, run_id: str, which: ColumnElement[bool]) -> None:
    conditions = MetricChunk.run_id == run_id, which
    found = list(session.scalars(select(MetricChunk.blob).where(*conditions)))
    if found:
        session.execute(delete(MetricChunk).where(*conditions))
        blobs.drop_unused(session, found)


def _has_progressed(session: Session, lease: RunLease) -> bool:
    """Whether a lease has stored a checkpoint beyond the one that it began from."""
    query = select(StoredCheckpoint.epoch).where(StoredCheckpoint.run_id == lease.run_id)
    epoch = session.scalar(query)
    return epoch is not None and epoch > lease.run.epoch


def _store_checkpoint(
    session: Session, run_id: str, epoch: int, data: CheckpointData, engine_version: int | None
) -> None:
    arrays, state = data
    row = session.get(StoredCheckpoint, run_id) or StoredCheckpoint(run_id=run_id)
    row.engine_version = engine_version
    row.epoch, row.state, row.arrays = epoch, state, codec.pack(arrays)
    session.add(row)


def drop_checkpoint(session: Session, run_id: str) -> None:
    """Forget where to go on: the run has ended."""
    session.execute(delete(StoredCheckpoint).where(StoredCheckpoint.run_id == run_id))
