"""Results are stored once under their sha256; what a run holds in bytes; what was imported."""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# table, key, and the column that held the bytes.
HOLDERS = (
    ("arrays", ("run_id", "name"), "data"),
    ("metric_chunks", ("run_id", "first_epoch"), "columns"),
)
# Nothing refers to these two tables, so a batch may build them anew; of runs and experiments the
# rows that refer to them would go with the old table.


def upgrade() -> None:
    blobs = op.create_table(
        "blobs",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_blobs")),
    )
    for name, key, column in HOLDERS:
        op.add_column(name, sa.Column("blob", sa.String(length=64), nullable=True))
        _move(blobs, name, key, column)
        with op.batch_alter_table(name, schema=None) as batch_op:
            batch_op.drop_column(column)
            batch_op.alter_column("blob", existing_type=sa.String(length=64), nullable=False)
            batch_op.create_foreign_key(
                batch_op.f(f"fk_{name}_blob_blobs"), "blobs", ["blob"], ["sha256"]
            )
            batch_op.create_index(batch_op.f(f"ix_{name}_blob"), ["blob"], unique=False)
    op.add_column(
        "experiments", sa.Column("imported_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        "runs", sa.Column("stored_bytes", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.create_index(
        "ix_runs_experiment_id_stored_bytes",
        "runs",
        ["experiment_id", "stored_bytes"],
        unique=False,
    )
    sizes = " + ".join(
        f"coalesce((SELECT sum(size) FROM {name} JOIN blobs ON blobs.sha256 = {name}.blob "
        "WHERE run_id = runs.id), 0)"
        for name, _, _ in HOLDERS
    )
    texts = "length(CAST(spec AS TEXT)) + coalesce(length(CAST(summary AS TEXT)), 0)"
    op.execute(f"UPDATE runs SET stored_bytes = {texts} + {sizes}")
    # Submitted runs have a digest of what decides their results; imported ones have none.
    op.execute(
        "UPDATE experiments SET imported_at = updated_at WHERE NOT EXISTS (SELECT 1 FROM runs "
        "WHERE experiment_id = experiments.id AND content_key IS NOT NULL)"
    )


def _move(blobs: sa.Table, name: str, key: tuple[str, str], column: str) -> None:
    """Take the bytes of each row out of it, one row at a time."""
    connection = op.get_bind()
    table = sa.table(name, *(sa.column(each) for each in (*key, column, "blob")))
    known = set(connection.scalars(sa.select(blobs.c.sha256)))
    for row in connection.execute(sa.select(*(table.c[each] for each in key))).all():
        mine = sa.and_(*(table.c[each] == value for each, value in zip(key, row, strict=True)))
        data = connection.scalar(sa.select(table.c[column]).where(mine))
        address = hashlib.sha256(data).hexdigest()
        if address not in known:
            known.add(address)
            connection.execute(blobs.insert(), {"sha256": address, "size": len(data), "data": data})
        connection.execute(table.update().where(mine).values({"blob": address, column: b""}))


def downgrade() -> None:
    op.drop_index("ix_runs_experiment_id_stored_bytes", table_name="runs")
    op.drop_column("runs", "stored_bytes")
    op.drop_column("experiments", "imported_at")
    for name, _, column in HOLDERS:
        op.add_column(name, sa.Column(column, sa.LargeBinary(), nullable=True))
        op.execute(
            f"UPDATE {name} SET {column} = (SELECT b.data FROM blobs b WHERE b.sha256 = blob)"
        )
        with op.batch_alter_table(name, schema=None) as batch_op:
            batch_op.drop_index(batch_op.f(f"ix_{name}_blob"))
            batch_op.drop_constraint(batch_op.f(f"fk_{name}_blob_blobs"), type_="foreignkey")
            batch_op.drop_column("blob")
            batch_op.alter_column(column, existing_type=sa.LargeBinary(), nullable=False)
    op.drop_table("blobs")
