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
RUNS = sa.table("runs", *map(sa.column, ("id", "spec", "summary", "stored_bytes")))
BLOBS = sa.table("blobs", *map(sa.column, ("sha256", "size", "data")))
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
    op.execute(sa.update(RUNS).values(stored_bytes=_bytes_held()))
    # Submitted runs have a digest of what decides their results; imported ones have none.
    op.execute(
        "UPDATE experiments SET imported_at = updated_at WHERE NOT EXISTS (SELECT 1 FROM runs "
        "WHERE experiment_id = experiments.id AND content_key IS NOT NULL)"
    )


def _bytes_held() -> sa.ColumnElement[int]:
    """Length of the texts of a run, plus the size of each blob that it refers to."""
    total = sa.func.length(sa.cast(RUNS.c.spec, sa.Text)) + sa.func.coalesce(
        sa.func.length(sa.cast(RUNS.c.summary, sa.Text)), 0
    )
    for name, _, _ in HOLDERS:
        holder = sa.table(name, sa.column("run_id"), sa.column("blob"))
        size = (
            sa.select(sa.func.sum(BLOBS.c.size))
            .join_from(holder, BLOBS, BLOBS.c.sha256 == holder.c.blob)
            .where(holder.c.run_id == RUNS.c.id)
            .scalar_subquery()
        )
        total += sa.func.coalesce(size, 0)
    return total


def _move(blobs: sa.Table, name: str, key: tuple[str, str], column: str) -> None:
    """Take the bytes of each row out of it, one row at a time."""
    connection = op.get_bind()
    table = sa.table(name, *(sa.column(each) for each in (*key, column, "blob")))
    known = set(connection.scalars(sa.select(blobs.c.sha256)))
    for row in connection.execute(sa.select(*(table.c[each] for each in key))).all():
        mine = sa.and_(*(table.c[each] == value for each, value in zip(key, row, strict=True)))
        data = connection.execute(sa.select(table.c[column]).where(mine)).scalar_one()
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
        table = sa.table(name, sa.column("blob"), sa.column(column))
        data = sa.select(BLOBS.c.data).where(BLOBS.c.sha256 == table.c.blob).scalar_subquery()
        op.execute(sa.update(table).values({column: data}))
        with op.batch_alter_table(name, schema=None) as batch_op:
            batch_op.drop_index(batch_op.f(f"ix_{name}_blob"))
            batch_op.drop_constraint(batch_op.f(f"fk_{name}_blob_blobs"), type_="foreignkey")
            batch_op.drop_column("blob")
            batch_op.alter_column(column, existing_type=sa.LargeBinary(), nullable=False)
    op.drop_table("blobs")
