"""Bytes of results, stored once under their sha256 for all runs that refer to them.

A run that reuses the results of another, or whose arrays equal those of another (as the test labels
of a sweep do), refers to the same blobs. A blob goes with the last row that refers to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence

from sqlalchemy import ColumnElement, Text, cast, delete, exists, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from reglab.core.storage.models import Array, Base, Blob, Experiment, MetricChunk, Run

# Bounds the number of bound parameters of one statement.
BATCH = 200
TABLE = Base.metadata.tables["blobs"]
REFERRERS: tuple[type[Array | MetricChunk], ...] = (Array, MetricChunk)


def address(data: bytes) -> str:
    """The key under which these bytes are stored."""
    return hashlib.sha256(data).hexdigest()


def keep(session: Session, contents: Iterable[bytes]) -> None:
    """Store what is not there yet; nobody deletes it before the transaction ends."""
    found = {address(data): data for data in contents}
    known: set[str] = set()
    # One order for all transactions, so that none waits for another in a circle.
    for batch in _batches(sorted(found)):
        query = select(Blob.sha256).where(Blob.sha256.in_(batch)).order_by(Blob.sha256)
        known |= set(session.scalars(query.with_for_update(read=True, key_share=True)))
    rows = [
        {"sha256": one, "size": len(found[one]), "data": found[one]}
        for one in sorted(set(found) - known)
    ]
    if not rows:
        return
    if session.get_bind().dialect.name == "sqlite":
        session.execute(sqlite.insert(TABLE).on_conflict_do_nothing(), rows)
        return
    insert = postgresql.insert(TABLE)
    # Written again unchanged where another transaction was first: this locks the row.
    update_ = {"size": insert.excluded.size}
    session.execute(insert.on_conflict_do_update(index_elements=["sha256"], set_=update_), rows)


def of_runs(session: Session, *runs: ColumnElement[bool]) -> set[str]:
    """Addresses that the runs of these conditions refer to."""
    found: set[str] = set()
    for table in REFERRERS:
        found |= set(session.scalars(select(table.blob).join_from(table, Run).where(*runs)))
    return found


def drop_unused(session: Session, addresses: Collection[str]) -> None:
    """Delete those of the blobs that no row refers to any more."""
    for batch in _batches(sorted(set(addresses))):
        query = select(Blob.sha256).where(Blob.sha256.in_(batch)).order_by(Blob.sha256)
        # Once they are locked nobody can begin to refer to them, and the next statement sees all
        # who did.
        held = list(session.scalars(query.with_for_update()))
        _delete(session, Blob.sha256.in_(held))


def unused(session: Session) -> int:
    """How many blobs no row refers to."""
    return int(session.scalar(select(func.count()).select_from(Blob).where(_unused())) or 0)


def drop_all_unused(session: Session) -> None:
    """Delete all blobs that no row refers to."""
    drop_unused(session, list(session.scalars(select(Blob.sha256).where(_unused()))))


def measure(session: Session, *runs: ColumnElement[bool]) -> None:
    """Note how many bytes the runs of these conditions hold."""
    size = documents()
    for table in REFERRERS:
        sizes = select(func.sum(Blob.size)).join_from(Blob, table).where(table.run_id == Run.id)
        size = size + func.coalesce(sizes.correlate(Run).scalar_subquery(), 0)
    session.execute(
        update(Run).where(*runs).values(stored_bytes=size),
        execution_options={"synchronize_session": False},
    )


def documents() -> ColumnElement[int]:
    """Bytes of a run's spec and summary."""
    return func.length(cast(Run.spec, Text)) + func.coalesce(
        func.length(cast(Run.summary, Text)), 0
    )


def stored_bytes(session: Session, token_id: str | None, limit: int) -> int:
    """Bytes that the experiments of a token hold, each blob counted once.

    Counted blob by blob only where the sum over runs, which counts shared ones again, is beyond the
    limit.
    """
    mine = Experiment.token_id.is_not_distinct_from(token_id)
    joined = select(func.sum(Run.stored_bytes)).join_from(Experiment, Run).where(mine)
    bound = int(session.scalar(joined) or 0)
    if bound <= limit:
        return bound
    refers = or_(
        *(
            Blob.sha256.in_(select(table.blob).join_from(table, Run).join(Experiment).where(mine))
            for table in REFERRERS
        )
    )
    blobs = session.scalar(select(func.sum(Blob.size)).where(refers)) or 0
    texts = session.scalar(select(func.sum(documents())).join_from(Experiment, Run).where(mine))
    return int(blobs) + int(texts or 0)


def _unused() -> ColumnElement[bool]:
    return ~or_(*(exists().where(table.blob == Blob.sha256) for table in REFERRERS))


def _delete(session: Session, condition: ColumnElement[bool]) -> None:
    session.execute(
        delete(Blob).where(condition, _unused()), execution_options={"synchronize_session": False}
    )


def _batches(items: Sequence[str]) -> Iterator[Sequence[str]]:
    return (items[at : at + BATCH] for at in range(0, len(items), BATCH))
