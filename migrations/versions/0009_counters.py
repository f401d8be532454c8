"""The table of counts has the name of what it holds."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _move("tallies", "counters")


def downgrade() -> None:
    _move("counters", "tallies")


def _move(old: str, new: str) -> None:
    """Into a table of its own, as the name of the primary key has that of the table in it."""
    names = ("name", "label", "bucket", "shard", "value")
    op.create_table(
        new,
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=32), nullable=False),
        sa.Column("bucket", sa.String(length=16), nullable=False),
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint(*names[:-1], name=op.f(f"pk_{new}")),
    )
    target, source = (sa.table(table, *map(sa.column, names)) for table in (new, old))
    op.execute(sa.insert(target).from_select(names, sa.select(source)))
    op.drop_table(old)
