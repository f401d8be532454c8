"""``python -m reglab.core.storage.migrate``: bring a database to the newest revision."""

from __future__ import annotations

import os
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from reglab.core.storage.engine import make_engine


def config(url: str) -> Config:
    """Alembic's configuration for this database; the scripts are beside ``core`` or named by
    ``REGLAB_MIGRATIONS``."""
    folder = os.environ.get("REGLAB_MIGRATIONS") or Path(__file__).parents[2] / "migrations"
    made = Config()
    made.set_main_option("script_location", str(folder))
    made.attributes["url"] = url
    return made


def upgrade(url: str, revision: str = "head") -> None:
    """Run the migrations that are missing; does nothing on an up-to-date database."""
    command.upgrade(config(url), revision)


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
    main()
