"""``reglab backup create|verify|restore``: the database as one file."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import func, select
from sqlalchemy.engine import URL, make_url

from reglab.core.process.commands import commands, run_app
from reglab.core.settings import Settings
from reglab.core.storage import Storage
from reglab.core.storage.backup.postgres import PostgresBackup
from reglab.core.storage.backup.sqlite import SqliteBackup
from reglab.core.storage.migrate import config, upgrade
from reglab.core.storage.models import Experiment, Run
from reglab.core.storage.states import BackupRefusedError

ENDING = ".backup"
Backup = SqliteBackup | PostgresBackup
HELP = """Back the database up into one file, check the file, and restore it.

A backup holds the state of one moment; servers and workers may run meanwhile. It can only be
restored into an empty database. Runs that were training at that moment continue from their
checkpoints, with bit-identical results.
"""
app = commands(help=HELP, no_args_is_help=True)


@dataclass(frozen=True)
class Restored:
    """What a restored database holds.

    Attributes:
        experiments, runs: How many.
        handed_back: Runs that trained at the backup's moment; they are queued again.
    """

    experiments: int
    runs: int
    handed_back: int


def create(url: str, target: Path, keep: int | None = None) -> Path:
    """Back the database up while it is in use.

    Args:
        url: SQLAlchemy URL of the database.
        target: The file to make, which must not exist, or a folder in which one is made.
        keep: In a folder: delete all but so many of the newest backups afterwards.

    Returns:
        The file, which appears whole and checked or not at all.

    Raises:
        BackupRefusedError: It exists, or the database could not be backed up.
    """
    folder = target if target.is_dir() else None
    file = folder / f"reglab-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}{ENDING}" if folder else target
    if file.exists():
        raise BackupRefusedError(f"{file} exists.", "Name a file that does not, or a folder")
    if not file.parent.is_dir():
        detail = f"There is no folder {file.parent}."
        raise BackupRefusedError(detail, "Make it first, or name another")
    part = file.with_name(f".{file.name}.part")
    try:
        part.touch()
    except OSError as error:
        detail = f"No file can be made in {file.parent}: {error.strerror}."
        raise BackupRefusedError(detail, "Name a folder that this user may write to") from error
    part.unlink()
    backup = _of(make_url(url))
    try:
        backup.dump(part)
        backup.verify(part)
        _sync(part)
        part.rename(file)
    finally:
        part.unlink(missing_ok=True)
    if folder and keep:
        for old in sorted(folder.glob(f"reglab-*{ENDING}"))[:-keep]:
            old.unlink()
    return file


def verify(file: Path) -> str:
    """Read the whole backup; returns the revision of its tables.

    Raises:
        BackupRefusedError: It is damaged, or no backup.
    """
    backup = _kind(file)
    backup.verify(file)
    return backup.revision(file)


def restore(file: Path, url: str) -> Restored:
    """Put a backup into an empty place, bring it to this version's tables, hand its runs back.

    Args:
        file: The backup.
        url: SQLAlchemy URL of a database that has no tables yet (SQLite: no file yet).

    Raises:
        BackupRefusedError: The place is not empty, or the backup is damaged, of the other kind of
            database or of a newer version; the place is as it was.
    """
    backup, place = _kind(file), make_url(url)
    if not isinstance(backup, _type(place)):
        raise BackupRefusedError(
            f"{file} is a backup of {backup.name}, REGLAB_DATABASE_URL names another kind.",
            "Restore into the same kind; experiments move between kinds by export and import",
        )
    verify(file)
    _check_known(backup.revision(file))
    here = _of(place)
    here.check_empty()
    here.load(file)
    upgrade(url)
    storage = Storage(url)
    try:
        handed_back = storage.maintenance.take_back()
        with storage.engine.connect() as connection:
            numbers = [
                int(connection.scalar(select(func.count()).select_from(table)) or 0)
                for table in (Experiment, Run)
            ]
    finally:
        storage.close()
    return Restored(numbers[0], numbers[1], handed_back)


def _type(url: URL) -> type[Backup]:
    return SqliteBackup if url.get_backend_name() == "sqlite" else PostgresBackup


def _of(url: URL) -> Backup:
    return _type(url)(url)


def _kind(file: Path) -> Backup:
    try:
        with file.open("rb") as opened:
            start = opened.read(16)
    except OSError as error:
        raise BackupRefusedError(
            f"{file} cannot be read: {error.strerror}.", "Name a file"
        ) from error
    for kind in (SqliteBackup, PostgresBackup):
        if start.startswith(kind.magic):
            return kind(None)
    raise BackupRefusedError(f"{file} is no backup.", "Name a file that 'create' has made")


def _check_known(revision: str) -> None:
    try:
        ScriptDirectory.from_config(config("sqlite://")).get_revision(revision)
    except CommandError as error:
        raise BackupRefusedError(
            f"The backup's tables are of revision {revision}, which this version does not know.",
            "Install the version of reglab that made it, or a newer one",
        ) from error


def _sync(file: Path) -> None:
    with file.open("rb+") as opened:
        os.fsync(opened.fileno())


@app.command("create")
def _create(
    target: Annotated[Path, typer.Argument(help="File to make, or folder to make one in.")],
    keep: Annotated[
        int | None,
        typer.Option(min=1, help="In a folder: number of backups to keep."),
    ] = None,
) -> None:
    """Back up the database of the settings; it may be in use."""
    file = create(Settings.from_env().database_url, target, keep)
    print(f"{file}: {file.stat().st_size / 2**20:.1f} MiB, revision {verify(file)}")


@app.command("verify")
def _verify(file: Annotated[Path, typer.Argument(help="The backup.")]) -> None:
    """Read a backup from start to end."""
    print(f"{file}: whole, revision {verify(file)}")


@app.command("restore")
def _restore(file: Annotated[Path, typer.Argument(help="The backup.")]) -> None:
    """Put a backup into the empty database of the settings; servers and workers must be stopped."""
    found = asdict(restore(file, Settings.from_env().database_url))
    print(", ".join(f"{number} {name.replace('_', ' ')}" for name, number in found.items()))


def main() -> int:
    """Run the command; returns the exit code."""
    return run_app(app, "backup")


if __name__ == "__main__":
    sys.exit(main())
