"""Engines for SQLite and Postgres, and transactions that end whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Double, Engine, cast, create_engine, event, func, literal_column
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.sql import ColumnElement

from reglab.core.storage.states import StorageUnavailable

BUSY_MILLISECONDS = 30_000


def make_engine(url: str | URL) -> Engine:
    """An engine with the settings that reglab relies on.

    SQLite: write-ahead log (readers never wait for a writer), foreign keys on, waiting for locks.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_pre_ping=True, pool_size=10, max_overflow=20)
    engine = create_engine(parsed, connect_args={"timeout": BUSY_MILLISECONDS / 1000})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def now(engine: Engine) -> ColumnElement[float]:
    """SQL for the database's clock in seconds, the same for all who ask it."""
    if engine.dialect.name == "sqlite":
        return literal_column("((julianday('now') - 2440587.5) * 86400.0)")
    return cast(func.extract("epoch", func.clock_timestamp()), Double)


class Transactions:
    """Opens sessions: ``read`` never takes a write lock, ``write`` takes it at once."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._sessions = sessionmaker(engine, expire_on_commit=False)
        self._writes = sessionmaker(
            engine.execution_options(reglab_write=True), expire_on_commit=False
        )

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A read-only view."""
        with _translated(), self._sessions() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction: committed at the end, rolled back whole on any error."""
        with _translated(), self._writes.begin() as session:
            yield session


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        reason = str(error.orig).splitlines()[0] if error.orig else "unknown reason"
        raise StorageUnavailable(f"The database refused: {reason}.") from error


def _prepare_sqlite(connection: Any, record: Any) -> None:
    # The driver's own implicit BEGIN would start a read that can fail when it turns into a write.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    try:
        cursor.execute("PRAGMA journal_mode = WAL")
    except Exception:
        # A read-only database can still be read; writing it gives its own error.
        cursor.execute("PRAGMA query_only = ON")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    # IMMEDIATE waits for the lock at the start instead of failing in the middle.
    write = connection.get_execution_options().get("reglab_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
