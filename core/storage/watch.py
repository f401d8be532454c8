"""What watchers of experiments need: the moving parts of many experiments in one read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from reglab.core.results import State
from reglab.core.storage import codec
from reglab.core.storage.database import Transactions
from reglab.core.storage.models import Blob, MetricChunk, Run
from reglab.core.storage.results import Curves, join

Item = TypeVar("Item")
# Bounds the number of bound parameters of one statement.
BATCH = 200


@dataclass(frozen=True)
class RunProgress:
    """Where a run is; equal objects mean that nothing moved."""

    id: str
    index: int
    state: State
    attempt: int
    epoch: int
    progress: float
    error: dict[str, Any] | None


class Watch:
    """Repository for those who watch."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def progress(self, experiment_ids: Collection[str]) -> dict[str, list[RunProgress]]:
        """All runs of these experiments by index; an experiment that is gone has none."""
        found: dict[str, list[RunProgress]] = {one: [] for one in experiment_ids}
        columns = (Run.id, Run.index, Run.state, Run.attempt, Run.epoch, Run.progress, Run.error)
        with self._transactions.read() as session:
            for ids in _batches(list(found)):
                query = select(Run.experiment_id, *columns).where(Run.experiment_id.in_(ids))
                for experiment_id, *row in session.execute(query.order_by(Run.index)):
                    found[experiment_id].append(RunProgress(*row))
        return found

    def columns_after(self, seen: Mapping[str, int]) -> dict[str, Curves]:
        """Evaluations of each run beyond its last seen epoch; runs without any are left out."""
        with self._transactions.read() as session:
            parts: dict[str, list[Curves]] = {}
            for batch in _batches(list(seen.items())):
                for run_id, chunk in _chunks(session, batch):
                    parts.setdefault(run_id, []).append(codec.unpack(chunk))
        found = {run_id: _beyond(join(chunks), seen[run_id]) for run_id, chunks in parts.items()}
        return {run_id: curves for run_id, curves in found.items() if len(curves["epoch"])}

    def latest(self, run_ids: Collection[str]) -> dict[str, Curves]:
        """The last evaluation of each run, as columns of one row; runs without any are left out."""
        found: dict[str, Curves] = {}
        with self._transactions.read() as session:
            for ids in _batches(list(run_ids)):
                for run_id, chunk in _last_chunks(session, ids):
                    curves = codec.unpack(chunk)
                    found[run_id] = {name: curves[name][-1:] for name in curves}
        return found


def _batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[at : at + BATCH] for at in range(0, len(items), BATCH))


def _last_chunks(session: Session, ids: Sequence[str]) -> Sequence[Any]:
    last = (
        select(MetricChunk.run_id, func.max(MetricChunk.first_epoch).label("first_epoch"))
        .where(MetricChunk.run_id.in_(ids))
        .group_by(MetricChunk.run_id)
        .subquery()
    )
    same = and_(last.c.run_id == MetricChunk.run_id, last.c.first_epoch == MetricChunk.first_epoch)
    query = select(MetricChunk.run_id, Blob.data).join_from(MetricChunk, Blob).join(last, same)
    return session.execute(query).all()


def _chunks(session: Session, batch: Sequence[tuple[str, int]]) -> Sequence[Any]:
    wanted = [
        and_(MetricChunk.run_id == run_id, MetricChunk.last_epoch > epoch)
        for run_id, epoch in batch
    ]
    query = (
        select(MetricChunk.run_id, Blob.data)
        .join_from(MetricChunk, Blob)
        .where(or_(*wanted))
        .order_by(MetricChunk.run_id, MetricChunk.first_epoch)
    )
    return session.execute(query).all()


def _beyond(curves: Curves, epoch: int) -> Curves:
    kept = curves["epoch"] > epoch
    return {name: column[kept] for name, column in curves.items()}
