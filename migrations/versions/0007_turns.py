"""Turns go to those who submit, then to their experiments."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("experiments", sa.Column("turn", sa.Double(), nullable=True))
    op.create_index("ix_experiments_token_id_turn", "experiments", ["token_id", "turn"])


def downgrade() -> None:
    op.drop_index("ix_experiments_token_id_turn", table_name="experiments")
    op.drop_column("experiments", "turn")
