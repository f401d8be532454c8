"""Alembic's entry: runs revisions on the database that the caller names."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from reglab.core.settings import Settings
from reglab.core.storage.database import make_engine
from reglab.core.storage.models import Base, UtcTime


def render_item(kind: str, item: Any, autogen_context: AutogenContext) -> str | Literal[False]:
    """Write our time type as the plain one: a revision must not change when the model does."""
    return "sa.DateTime(timezone=True)" if isinstance(item, UtcTime) else False


url = context.config.attributes.get("url") or Settings.from_env().database_url
engine = make_engine(url)
with engine.connect() as connection:
    if connection.dialect.name == "postgresql":
        # A large table takes its time.
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.commit()
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_type=True,
        render_item=render_item,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
engine.dispose()
