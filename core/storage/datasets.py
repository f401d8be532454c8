"""Uploaded datasets: what is known of each, and its bytes in chunks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import IO, Any

from sqlalchemy import Text, cast, delete, func, insert, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from reglab.core.storage.database import Transactions, repeats
from reglab.core.storage.models import DatasetChunk, Experiment, StoredDataset
from reglab.core.storage.quota import QuotaExceededError, one_at_a_time
from reglab.core.storage.states import NotFoundError, WrongStateError

CHUNK = 2**20
ID = re.compile(r"sha256:[0-9a-f]{64}")
# Of a cursor: up to some thousand years.
MICROSECONDS = re.compile(r"[0-9]{1,17}")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Experiments that a refusal names.
SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class DatasetFields:
    """What is known of an uploaded dataset.

    Attributes:
        id: ``sha256:`` and 64 hexadecimal digits, over how the file is read and its bytes.
        name, description, tags: As its owner calls it.
        target: The column that was named as target, or None.
        options: How the file is read.
        facts: What was found in it (``core.tables.TableFacts``).
        size: Bytes of the file.
        token_id: The token that it was uploaded with.
    """

    id: str
    name: str
    description: str
    tags: list[str]
    target: str | None
    options: dict[str, Any]
    facts: dict[str, Any]
    size: int
    token_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class DatasetRecord(DatasetFields):
    """An uploaded dataset as it was when it was read.

    Attributes:
        created_at: When it was first uploaded.
    """

    created_at: datetime

    @classmethod
    def of(cls, row: StoredDataset) -> DatasetRecord:
        """Copy a row."""
        return cls(**{name: getattr(row, name) for name in cls.__dataclass_fields__})


@dataclass(frozen=True, kw_only=True)
class NewDataset(DatasetFields):
    """What is stored of an upload beside its bytes.

    Attributes:
        preview: First rows and distributions (``core.tables.preview``).
    """

    preview: dict[str, Any]


@dataclass(frozen=True)
class DatasetPage:
    """Some datasets, and the cursor of the next ones; None at the end."""

    items: list[DatasetRecord]
    next_cursor: str | None


class Datasets:
    """Repository of uploaded datasets; every method but ``chunks`` is one transaction."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    @repeats
    def create(self, new: NewDataset, file: IO[bytes], limit: int) -> tuple[DatasetRecord, bool]:
        """Store a dataset and its bytes, wholly or not at all.

        Args:
            new: What is known of it.
            file: Its bytes, read from the start.
            limit: Bytes that all datasets together may have.

        Returns:
            The dataset, and False if it was stored already (it is as it was then).

        Raises:
            QuotaExceededError: All together would have more bytes than may be.
        """
        try:
            with self._transactions.write(durable=True) as session:
                one_at_a_time(session)
                known = session.get(StoredDataset, new.id)
                if known is not None:
                    return DatasetRecord.of(known), False
                total = int(session.scalar(select(func.sum(StoredDataset.size))) or 0) + new.size
                if total > limit:
                    raise QuotaExceededError("datasets_bytes", total)
                row = StoredDataset(**vars(new), created_at=datetime.now(UTC))
                session.add(row)
                session.flush()
                _store(session, new.id, file)
                return DatasetRecord.of(row), True
        except IntegrityError:
            # Another upload of the same file committed in between.
            return self.get(new.id), False

    def get(self, identifier: str) -> DatasetRecord:
        """One dataset, or NotFoundError."""
        with self._transactions.read() as session:
            return DatasetRecord.of(_row(session, identifier))

    def known(self, identifier: str) -> DatasetRecord | None:
        """One dataset, or None."""
        with self._transactions.read() as session:
            row = session.get(StoredDataset, identifier)
            return None if row is None else DatasetRecord.of(row)

    def preview(self, identifier: str) -> dict[str, Any]:
        """First rows and distributions, or NotFoundError."""
        with self._transactions.read() as session:
            return _row(session, identifier).preview

    def find(
        self,
        q: str | None = None,
        tag: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> DatasetPage:
        """A page of datasets, the newest first; ``cursor`` is the ``next_cursor`` before.

        Raises:
            ValueError: It is no cursor.
        """
        newest = StoredDataset.created_at.desc(), StoredDataset.id.desc()
        query = select(StoredDataset).order_by(*newest).limit(limit + 1)
        if q:
            query = query.where(StoredDataset.name.icontains(q, autoescape=True))
        if tag is not None:
            quoted = json.dumps(tag)
            query = query.where(cast(StoredDataset.tags, Text).contains(quoted, autoescape=True))
        if cursor is not None:
            before, last = _place(cursor)
            query = query.where(
                or_(
                    StoredDataset.created_at < before,
                    (StoredDataset.created_at == before) & (StoredDataset.id < last),
                )
            )
        with self._transactions.read() as session:
            rows = list(session.scalars(query))
            items = [DatasetRecord.of(row) for row in rows[:limit]]
        more = len(rows) > limit
        after = _cursor_after(items[-1]) if more else None
        return DatasetPage(items, after)

    @repeats
    def change(
        self,
        identifier: str,
        name: str | None = None,
        description: str | None = None,
        tags: list[str] | None = None,
    ) -> DatasetRecord:
        """Set what is given; NotFoundError if there is none."""
        with self._transactions.write(durable=True) as session:
            row = _row(session, identifier)
            row.name = row.name if name is None else name
            row.description = row.description if description is None else description
            row.tags = row.tags if tags is None else tags
            return DatasetRecord.of(row)

    @repeats
    def delete(self, identifier: str, force: bool = False) -> None:
        """Remove a dataset and its bytes; results of runs stay.

        Args:
            identifier: Which.
            force: Also if experiments name it; their runs cannot be trained again here.

        Raises:
            NotFoundError: There is none.
            WrongStateError: Experiments name it.
        """
        with self._transactions.write(durable=True) as session:
            row = _row(session, identifier)
            users = _users(session, identifier)
            if users and not force:
                shown = ", ".join(users[:SHOWN]) + (", ..." if len(users) > SHOWN else "")
                raise WrongStateError(
                    f"{len(users)} experiments use the dataset ({shown}); delete them first, or "
                    "delete it with ?force=true: results stay, further training fails."
                )
            session.execute(delete(DatasetChunk).where(DatasetChunk.dataset_id == identifier))
            session.delete(row)

    def users(self, identifier: str) -> list[str]:
        """Ids of the experiments whose spec names the dataset."""
        with self._transactions.read() as session:
            return _users(session, identifier)

    def chunks(self, identifier: str) -> Iterator[bytes]:
        """The bytes of the file, in order; NotFoundError if there is no such dataset.

        One transaction per chunk, so that a slow reader holds none open.
        """
        size, seen, position = self.get(identifier).size, 0, 0
        while seen < size:
            query = select(DatasetChunk.data).where(
                DatasetChunk.dataset_id == identifier, DatasetChunk.position == position
            )
            with self._transactions.read() as session:
                data = session.scalar(query)
            if data is None:
                raise NotFoundError(f"There is no dataset '{identifier}' any more.")
            yield data
            seen, position = seen + len(data), position + 1


def _place(cursor: str) -> tuple[datetime, str]:
    """Time and id of the last dataset before; ValueError for what is no cursor."""
    moment, _, last = cursor.partition("~")
    if not MICROSECONDS.fullmatch(moment) or not ID.fullmatch(f"sha256:{last}"):
        raise ValueError("Not a cursor.")
    return EPOCH + timedelta(microseconds=int(moment)), f"sha256:{last}"


def _cursor_after(row: DatasetRecord) -> str:
    """A cursor of letters, digits, '-' and '~', which no address has to escape."""
    microseconds = (row.created_at - EPOCH) // timedelta(microseconds=1)
    return f"{microseconds}~{row.id.removeprefix('sha256:')}"


def _store(session: Session, identifier: str, file: IO[bytes]) -> None:
    file.seek(0)
    position = 0
    while data := file.read(CHUNK):
        row = {"dataset_id": identifier, "position": position, "data": data}
        session.execute(insert(DatasetChunk), row)
        position += 1


def _row(session: Session, identifier: str) -> StoredDataset:
    row = session.get(StoredDataset, identifier)
    if row is None:
        raise NotFoundError(f"There is no dataset '{identifier}'.")
    return row


def _users(session: Session, identifier: str) -> list[str]:
    named = cast(Experiment.spec, Text).contains(f'"id": "{identifier}"', autoescape=True)
    return list(session.scalars(select(Experiment.id).where(named).order_by(Experiment.id)))
