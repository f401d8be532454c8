"""Backups of SQLite, by its online backup: one moment, while others write."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from sqlalchemy.engine import URL

from reglab.core.storage.states import BackupRefusedError


class SqliteBackup:
    """Of the database at a URL; None where only files are read."""

    name = "SQLite"
    magic = b"SQLite format 3\x00"

    def __init__(self, url: URL | None) -> None:
        self._path = Path(url.database or "") if url is not None else Path()

    def dump(self, file: Path) -> None:
        """Copy the database into a new file."""
        if not self._path.is_file():
            raise BackupRefusedError(f"There is no database at {self._path}.", "Set REGLAB_HOME")
        with _opened(self._path) as source, _opened(file, "rwc") as target:
            # In one step, which is one moment; by parts it would begin anew at each write.
            source.backup(target)
            # One file, without a log beside it.
            target.execute("PRAGMA journal_mode = DELETE")

    def verify(self, file: Path) -> None:
        """SQLite's own checks of pages, indexes and foreign keys."""
        try:
            with _opened(file) as found:
                troubles = found.execute("PRAGMA integrity_check").fetchall()
                strays = found.execute("PRAGMA foreign_key_check").fetchall()
        except sqlite3.DatabaseError as error:
            raise BackupRefusedError(
                f"{file} is damaged: {error}.", "Use another backup"
            ) from error
        if troubles != [("ok",)] or strays:
            raise BackupRefusedError(f"{file} is damaged: {(troubles + strays)[0]}.", "Use another")

    def revision(self, file: Path) -> str:
        """Revision of the tables."""
        try:
            with _opened(file) as found:
                return str(found.execute("SELECT version_num FROM alembic_version").fetchone()[0])
        except (sqlite3.DatabaseError, TypeError) as error:
            raise BackupRefusedError(f"{file} holds no tables of reglab.", "Use another") from error

    def check_empty(self) -> None:
        """Refuse a place where something is."""
        for ending in ("", "-wal", "-journal"):
            path = self._path.with_name(self._path.name + ending)
            if path.exists():
                raise BackupRefusedError(
                    f"{path} exists.", "Move it away, or set another REGLAB_HOME"
                )

    def load(self, file: Path) -> None:
        """Make the database from a backup; it appears whole or not at all."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_name(f".{self._path.name}.part")
        try:
            with _opened(file) as source, _opened(part, "rwc") as target:
                source.backup(target)
            part.rename(self._path)
        finally:
            part.unlink(missing_ok=True)


def _opened(path: Path, mode: str = "ro") -> contextlib.closing[sqlite3.Connection]:
    address = f"{path.absolute().as_uri()}?mode={mode}"
    return contextlib.closing(sqlite3.connect(address, uri=True, timeout=30))
