"""Backups of Postgres, by its own ``pg_dump`` and ``pg_restore``."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from sqlalchemy import inspect
from sqlalchemy.engine import URL

from reglab.core.storage.database import make_engine
from reglab.core.storage.states import BackupRefusedError

OPTIONS = ("--no-owner", "--no-privileges")
VARIABLES = (
    ("host", "PGHOST"),
    ("port", "PGPORT"),
    ("username", "PGUSER"),
    ("password", "PGPASSWORD"),
)


class PostgresBackup:
    """Of the database at a URL; None where only files are read."""

    name = "Postgres"
    magic = b"PGDMP"

    def __init__(self, url: URL | None) -> None:
        self._url = url

    def dump(self, file: Path) -> None:
        """One snapshot of all tables, compressed."""
        self._run("pg_dump", "--format=custom", *OPTIONS, f"--file={file}")

    def verify(self, file: Path) -> None:
        """Read and decompress everything."""
        self._run("pg_restore", f"--file={os.devnull}", str(file))

    def revision(self, file: Path) -> str:
        """Revision of the tables."""
        options = ("--data-only", "--table=alembic_version", "--file=-")
        text = self._run("pg_restore", *options, str(file))
        found = re.search(r"^COPY .*alembic_version .*\n(\S+)$", text, re.MULTILINE)
        if found is None:
            raise BackupRefusedError(f"{file} holds no tables of reglab.", "Use another")
        return found.group(1)

    def check_empty(self) -> None:
        """Refuse a database that has tables."""
        assert self._url is not None
        engine = make_engine(self._url)
        try:
            tables = inspect(engine).get_table_names()
        finally:
            engine.dispose()
        if tables:
            raise BackupRefusedError(
                f"The database has tables already ({', '.join(sorted(tables)[:3])}, ...).",
                "Make an empty one with createdb and name it in REGLAB_DATABASE_URL",
            )

    def load(self, file: Path) -> None:
        """Make all tables and rows in one transaction."""
        options = ("--single-transaction", "--exit-on-error", *OPTIONS)
        database = self._url.database if self._url is not None else ""
        self._run("pg_restore", *options, f"--dbname={database}", str(file))

    def _run(self, program: str, *arguments: str) -> str:
        # A password in the arguments could be read by everyone on this machine.
        env = {**os.environ, "PGCONNECT_TIMEOUT": "10"}
        if self._url is not None:
            parts = {**self._url.translate_connect_args(), **self._url.query}
            env |= {var: str(parts[name]) for name, var in VARIABLES if name in parts}
            env["PGDATABASE"] = self._url.database or ""
            if "sslmode" in parts:
                env["PGSSLMODE"] = str(parts["sslmode"])
        done = subprocess.run(  # noqa: S603 # a tool of Postgres by its path
            [_tool(program), *arguments], env=env, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            reason = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            raise BackupRefusedError(f"{program}: {reason[0]}.", "See above")
        return done.stdout


def _tool(name: str) -> str:
    """The program on the path, else the newest of Debian's."""
    found = shutil.which(name)
    if found is not None:
        return found
    versions = list(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if not versions:
        raise BackupRefusedError(f"{name} is not installed.", "Install Postgres' client programs")
    return str(max(versions, key=lambda path: int(path.parts[4])))
