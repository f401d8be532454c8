"""Which engine a run was submitted for, and which one made its checkpoint."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("engine_version", sa.Integer(), nullable=True))
    op.add_column("checkpoints", sa.Column("engine_version", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("checkpoints", "engine_version")
    op.drop_column("runs", "engine_version")
