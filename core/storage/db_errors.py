"""A driver's errors as ours: what the database could not do, and what would help."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy.exc import DBAPIError

from reglab.core.storage.states import StorageConflictError, StorageError, StorageUnavailableError

MIGRATE = "Bring the database up to date with reglab migrate"
ADDRESS = "Correct REGLAB_DATABASE_URL"
FULL = "Free space on the database's disk, then try again"
READ_ONLY = "Make the database writable for this user (file, folder, or server setting)"
FOLDER = "Check that the folder of the database exists and that this user may write to it"
# https://www.postgresql.org/docs/current/errcodes-appendix.html
POSTGRES = {
    "53100": FULL,
    "25006": READ_ONLY,
    "42P01": MIGRATE,
    "42703": MIGRATE,
    "42501": "Give this user the right to use reglab's tables",
}
CONFLICTS = ("40001", "40P01")
# Connection trouble, lack of resources, intervention by an operator, and the server's own faults.
TRANSIENT_CLASSES = ("08", "53", "57", "58", "55")
SQLITE = {
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_IOERR: FULL,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: FOLDER,
    sqlite3.SQLITE_CORRUPT: "The file is damaged, restore a copy",
    sqlite3.SQLITE_NOTADB: "REGLAB_DATABASE_URL does not name an SQLite database",
    sqlite3.SQLITE_BUSY: StorageUnavailableError.LATER,
    sqlite3.SQLITE_LOCKED: StorageUnavailableError.LATER,
    sqlite3.SQLITE_NOMEM: StorageUnavailableError.LATER,
}


# A connection that met one of these keeps what it saw: the file as it was opened, an old leader.
SPENT = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    }
)
SPENT_STATES = frozenset({"25006"})


def is_spent(error: BaseException) -> bool:
    """Whether the connections of the pool should be made anew after this error of a driver."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in SPENT
    return getattr(error, "sqlstate", None) in SPENT_STATES


def translate(error: DBAPIError) -> StorageError | None:
    """StorageConflictError, StorageUnavailableError, or None for what is a fault of the program."""
    origin: Any = error.orig
    detail = f"The database refused: {_reason(origin)}."
    if isinstance(origin, sqlite3.Error):
        remedy = _sqlite_remedy(origin)
    else:
        code = str(getattr(origin, "sqlstate", None) or "")
        if code in CONFLICTS:
            return StorageConflictError(detail)
        # Without a code the connection itself was lost, or never made.
        lost = error.connection_invalidated or (not code and _is_operational(error))
        if not lost and not code and error.statement is None:
            return StorageUnavailableError(detail, ADDRESS)
        known = lost or code[:2] in TRANSIENT_CLASSES
        remedy = POSTGRES.get(code) or (StorageUnavailableError.LATER if known else None)
    return None if remedy is None else StorageUnavailableError(detail, remedy)


def _sqlite_remedy(error: sqlite3.Error) -> str | None:
    if str(error).startswith(("no such table", "no such column")):
        return MIGRATE
    # The low byte is the primary code; the others tell where it happened.
    return SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)


def _is_operational(error: DBAPIError) -> bool:
    return type(error).__name__ in ("OperationalError", "InterfaceError")


def _reason(origin: BaseException | None) -> str:
    lines = str(origin).strip().splitlines() if origin else []
    return lines[0].rstrip(".") if lines else "no reason was given"
