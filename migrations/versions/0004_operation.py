"""Which request queued a run, for logs and traces; counts that outlive processes and runs."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Plain ALTERs: a batch that builds the table anew would drop the old one, and its results with it.


def upgrade() -> None:
    op.add_column("runs", sa.Column("request_id", sa.String(length=64), nullable=True))
    op.add_column("runs", sa.Column("traceparent", sa.String(length=64), nullable=True))
    op.create_table(
        "tallies",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=32), nullable=False),
        sa.Column("bucket", sa.String(length=16), nullable=False),
        sa.Column("shard", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", "label", "bucket", "shard", name=op.f("pk_tallies")),
    )


def downgrade() -> None:
    op.drop_table("tallies")
    op.drop_column("runs", "traceparent")
    op.drop_column("runs", "request_id")
