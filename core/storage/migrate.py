"""``reglab migrate``: bring a database to the newest revision."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from reglab.core.process.commands import run_command
from reglab.core.settings import MigrationSettings
from reglab.core.storage.database import make_engine, translated

# Any number that no other program takes for a lock of its own.
LOCK = 7_345_202_611


def config(url: str) -> Config:
    """What Alembic needs to know of this database; the scripts are beside ``core`` or named by
    ``REGLAB_MIGRATIONS``."""
    folder = MigrationSettings.from_env().migrations or Path(__file__).parents[2] / "migrations"
    made = Config()
    made.set_main_option("script_location", str(folder))
    made.attributes["url"] = url
    return made


def upgrade(url: str, revision: str = "head") -> None:
    """Run the migrations that are missing; does nothing on an up-to-date database.

    Of several at once one works, and the others wait for it.

    Raises:
        StorageUnavailableError: The database cannot be reached or written.
    """
    with translated(), _alone(url):
        command.upgrade(config(url), revision)


@contextmanager
def _alone(url: str) -> Iterator[None]:
    engine = make_engine(url)
    if engine.dialect.name != "sqlite":
        with engine.connect() as connection:
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text("SET lock_timeout = 0"))
            connection.execute(text("SET idle_in_transaction_session_timeout = 0"))
            connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
            yield
            connection.rollback()
        engine.dispose()
        return
    folder = Path(engine.url.database or "").absolute().parent
    if not folder.is_dir():
        yield
        return
    # The folder itself is locked, as a file for it would stay behind.
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def is_current(engine: Engine) -> bool:
    """Whether the database is at the newest revision."""
    scripts = ScriptDirectory.from_config(config(engine.url.render_as_string(False)))
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    return found == scripts.get_current_head()


def main() -> None:
    """Upgrade the database named by the settings."""
    from reglab.core.settings import Settings

    url = Settings.from_env().database_url
    upgrade(url)
    print(f"The database is up to date: {make_engine(url).url.render_as_string()}")


if __name__ == "__main__":
    sys.exit(run_command(main))
