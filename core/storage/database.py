"""Engines for SQLite and Postgres, and transactions that end whole or not at all."""

from __future__ import annotations

import functools
import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import Double, Engine, cast, create_engine, event, func, literal_column, text
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.sql import ColumnElement

from reglab.core.storage.db_errors import READ_ONLY, is_spent, translate
from reglab.core.storage.states import StorageConflictError, StorageUnavailableError

BUSY_MILLISECONDS = 30_000
WRITE_CHECK_MILLISECONDS = 500
CONFLICT_TRIES = 8
PREPARE = "prepare_threshold"
POSTGRES: dict[str, Any] = {
    # A host that does not answer is an outage of seconds, not the kernel's two minutes.
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    # What was sent and is not acknowledged: a host that froze, or a network that dropped.
    "tcp_user_timeout": 20_000,
    # A process frozen inside a transaction must not hold its rows for ever.
    "options": (
        "-c idle_in_transaction_session_timeout=60s -c lock_timeout=15s -c statement_timeout=120s"
    ),
    "application_name": "reglab",
}

P = ParamSpec("P")
T = TypeVar("T")


def make_engine(url: str | URL) -> Engine:
    """An engine with the settings that reglab relies on.

    SQLite: write-ahead log (readers never wait for a writer), foreign keys on, waiting for locks.
    Postgres: connections are tested before use, so that a restart costs no request. With
    ``?prepare_threshold=none`` nothing is prepared, as poolers of transactions may need.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        arguments = {name: value for name, value in POSTGRES.items() if name not in parsed.query}
        if parsed.query.get(PREPARE) == "none":
            # Text in the address, where the driver wants None.
            parsed, arguments[PREPARE] = parsed.difference_update_query([PREPARE]), None
        engine = create_engine(
            parsed, pool_pre_ping=True, pool_size=10, max_overflow=20, connect_args=arguments
        )
        event.listen(engine, "handle_error", _throw_away)
        return engine
    engine = create_engine(parsed, connect_args={"timeout": BUSY_MILLISECONDS / 1000})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "checkout", _check_file)
    event.listen(engine, "begin", _begin_sqlite)
    event.listen(engine, "handle_error", _throw_away)
    return engine


def now(engine: Engine) -> ColumnElement[float]:
    """SQL for the database's clock in seconds, the same for all who ask it.

    It may jump (SQLite's is this machine's): no decision that could lose work may rest on it.
    """
    if engine.dialect.name == "sqlite":
        return literal_column("((julianday('now') - 2440587.5) * 86400.0)")
    return cast(func.extract("epoch", func.clock_timestamp()), Double)


def check_writable(engine: Engine) -> None:
    """Begin a write and take it back; StorageUnavailableError says why that cannot be."""
    with translated(), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.execution_options(reglab_write=True, reglab_busy=WRITE_CHECK_MILLISECONDS)
            try:
                # Beginning takes the lock, and this writes to the first page.
                connection.execute(text("PRAGMA user_version = 0"))
            except OperationalError as error:
                # Who waits for another writer could write.
                if getattr(error.orig, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
            connection.rollback()
        elif connection.scalar(text("SHOW transaction_read_only")) == "on":
            engine.dispose()
            detail = "The database refused: it is read-only (a standby?)."
            raise StorageUnavailableError(detail, READ_ONLY)


def moment(engine: Engine) -> Any:
    """This moment by the database's clock, as the clocks of workers may be off."""
    if engine.dialect.name == "sqlite":
        return datetime.now(UTC)
    return func.clock_timestamp()


class Transactions:
    """Opens sessions: ``read`` never takes a write lock, ``write`` takes it at once."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._sessions = sessionmaker(engine, expire_on_commit=False)
        self._writes = _sessions(engine, durable=False)
        self._durable = _sessions(engine, durable=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A read-only view."""
        with translated(), self._sessions() as session:
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """A read-only view in which all statements see the same moment, as SQLite's always do."""
        with self.read() as session:
            if self.engine.dialect.name != "sqlite":
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session

    @contextmanager
    def write(self, durable: bool = False) -> Iterator[Session]:
        """A transaction: committed at the end, rolled back whole on any error.

        Args:
            durable: Also outlives a loss of power. What people ask for is durable; a worker's
                write that is lost with the power is made again by the next attempt, to the same
                bits, and does not wait for the disk. (Postgres always waits.)
        """
        with translated(), (self._durable if durable else self._writes).begin() as session:
            yield session


def repeats(method: Callable[P, T]) -> Callable[P, T]:
    """Run a method that is one transaction again if the database undid it for another's sake."""

    @functools.wraps(method)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        for trial in range(CONFLICT_TRIES):
            try:
                return method(*args, **kwargs)
            except StorageConflictError:
                if trial + 1 == CONFLICT_TRIES:
                    raise
                time.sleep(random.uniform(0, 0.01 * 2**trial))  # noqa: S311 # spreads retries
        raise AssertionError

    return wrapped


def _sessions(engine: Engine, durable: bool) -> sessionmaker[Session]:
    options = engine.execution_options(reglab_write=True, reglab_durable=durable)
    return sessionmaker(options, expire_on_commit=False)


@contextmanager
def translated() -> Iterator[None]:
    """Errors of the database's driver as those of storage."""
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        found = translate(error)
        if found is None:
            raise
        raise found from error
    except PoolTimeout as error:
        raise StorageUnavailableError("All database connections are in use.") from error


def _throw_away(context: ExceptionContext) -> None:
    """Make all connections anew after an error that they would go on to give."""
    if context.original_exception and is_spent(context.original_exception):
        context.is_disconnect = True


def _check_file(connection: Any, record: Any, _proxy: Any) -> None:
    """A file that was replaced, as by a restored copy, is opened anew."""
    if record.info.get("file") != _file_of(connection):
        raise DisconnectionError("The database file was replaced.")


def _file_of(connection: Any) -> tuple[int, int] | None:
    """Device and inode of the file, or None where there is none to look at."""
    name = connection.execute("PRAGMA database_list").fetchone()[2]
    try:
        found = os.stat(name)  # noqa: PTH116 # the name of none is empty, which Path reads as '.'
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _prepare_sqlite(connection: Any, record: Any) -> None:
    record.info["file"] = _file_of(connection)
    # The driver's own implicit BEGIN would start a read that can fail when it turns into a write.
    connection.isolation_level = None
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        # A read-only database can still be read; writing it gives its own error.
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
            raise
        cursor.execute("PRAGMA query_only = ON")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    options = connection.get_execution_options()
    patience = options.get("reglab_busy", BUSY_MILLISECONDS)
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {patience}")
    durable = "FULL" if options.get("reglab_durable") else "NORMAL"
    connection.exec_driver_sql(f"PRAGMA synchronous = {durable}")
    # IMMEDIATE waits for the lock at the start instead of failing in the middle.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("reglab_write") else "BEGIN")
