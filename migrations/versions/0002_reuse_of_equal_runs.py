"""Reuse of equal runs: a digest of what decides a result, and where a copy came from."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Plain ALTERs: a batch that builds the table anew would drop the old one, and its results with it.


def upgrade() -> None:
    op.add_column("runs", sa.Column("content_key", sa.String(length=64), nullable=True))
    op.add_column("runs", sa.Column("reused_from", sa.String(length=36), nullable=True))
    op.create_index(op.f("ix_runs_content_key"), "runs", ["content_key"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_runs_content_key"), table_name="runs")
    op.drop_column("runs", "reused_from")
    op.drop_column("runs", "content_key")
