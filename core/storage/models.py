"""The tables; ``migrations/`` must always build exactly these."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from reglab.core.results import STATES
from reglab.core.storage.states import SCOPES

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
IN_STATES = f"state IN ({', '.join(repr(state) for state in STATES)})"
IN_SCOPES = f"scope IN ({', '.join(repr(scope) for scope in SCOPES)})"


class UtcTime(TypeDecorator[datetime]):
    """Times with a zone; SQLite drops it, so it is put back as UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store as UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Read as UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Declarative base with stable constraint names."""

    metadata = MetaData(naming_convention=NAMING)


class Experiment(Base):
    """A submitted spec; its state is derived from its runs."""

    __tablename__ = "experiments"
    __table_args__ = (Index("ix_experiments_token_id_turn", "token_id", "turn"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    preset: Mapped[str | None] = mapped_column(String(64), index=True)
    spec: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    updated_at: Mapped[datetime] = mapped_column(UtcTime)
    # Number, among all leases, of the last one of its runs; a new one has the latest number.
    served_at: Mapped[float | None] = mapped_column(index=True)
    # The same, but null before the first lease: by it turns go to those who submit.
    turn: Mapped[float | None]
    # Who submitted it; no foreign key, as an experiment outlives its submitter's token.
    token_id: Mapped[str | None] = mapped_column(String(16), index=True)
    # What its runs were expected to cost together when it was submitted.
    estimated_seconds: Mapped[float | None]
    # When it was imported; what its runs say of their durations is another machine's word.
    imported_at: Mapped[datetime | None] = mapped_column(UtcTime)


class Tag(Base):
    """One tag of an experiment."""

    __tablename__ = "tags"

    experiment_id: Mapped[str] = mapped_column(
        ForeignKey("experiments.id", ondelete="CASCADE"), primary_key=True
    )
    tag: Mapped[str] = mapped_column(String(64), primary_key=True, index=True)
    position: Mapped[int]


class Run(Base):
    """One training and its lease; only the holder of the current attempt may write results."""

    __tablename__ = "runs"
    __table_args__ = (
        CheckConstraint(IN_STATES, name="state"),
        Index("ix_runs_experiment_id_index", "experiment_id", "index", unique=True),
        Index("ix_runs_state_lease_expires", "state", "lease_expires"),
        Index("ix_runs_experiment_id_state", "experiment_id", "state"),
        Index("ix_runs_experiment_id_stored_bytes", "experiment_id", "stored_bytes"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    experiment_id: Mapped[str] = mapped_column(ForeignKey("experiments.id", ondelete="CASCADE"))
    index: Mapped[int]
    params: Mapped[dict[str, Any]] = mapped_column(JSON)
    seed: Mapped[int] = mapped_column(BigInteger)
    spec: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(16))
    attempt: Mapped[int] = mapped_column(default=0)
    attempts_left: Mapped[int]
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    lease_owner: Mapped[str | None] = mapped_column(String(200))
    # Changes with every heartbeat; a lease ends when reapers see it unchanged for its length.
    lease_expires: Mapped[float | None]
    message_at: Mapped[float | None]
    epoch: Mapped[int] = mapped_column(default=0)
    progress: Mapped[float] = mapped_column(default=0.0)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    errors: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    summary: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcTime)
    # Digest of what decides the result; runs with the same one may share it.
    content_key: Mapped[str | None] = mapped_column(String(64), index=True)
    # Engine of the server that it was submitted to: no older worker takes it.
    engine_version: Mapped[int | None]
    # The run whose results it shares; no foreign key, as either may be deleted first.
    reused_from: Mapped[str | None] = mapped_column(String(36))
    # Bytes of its documents and of all blobs that it refers to, shared or not.
    stored_bytes: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    # The request that queued it, and its span (W3C Trace Context): for logs and traces.
    request_id: Mapped[str | None] = mapped_column(String(64))
    traceparent: Mapped[str | None] = mapped_column(String(64))


class CounterRow(Base):
    """One count, or one bucket of a histogram, spread over shards: see ``counters``."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    label: Mapped[str] = mapped_column(String(32), primary_key=True)
    bucket: Mapped[str] = mapped_column(String(16), primary_key=True)
    shard: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[float]


class Blob(Base):
    """Bytes of results under their sha256: stored once, whoever refers to them."""

    __tablename__ = "blobs"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class StoredDataset(Base):
    """What is known of an uploaded dataset; its bytes are in chunks."""

    __tablename__ = "datasets"

    id: Mapped[str] = mapped_column(String(71), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text)
    tags: Mapped[list[str]] = mapped_column(JSON)
    target: Mapped[str | None] = mapped_column(String(200))
    options: Mapped[dict[str, Any]] = mapped_column(JSON)
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    preview: Mapped[dict[str, Any]] = mapped_column(JSON, deferred=True)
    size: Mapped[int] = mapped_column(BigInteger)
    # Who uploaded it; no foreign key, as a dataset outlives its uploader's token.
    token_id: Mapped[str | None] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcTime, index=True)


class DatasetChunk(Base):
    """Some consecutive bytes of a dataset's file."""

    __tablename__ = "dataset_chunks"

    dataset_id: Mapped[str] = mapped_column(
        ForeignKey("datasets.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class MetricChunk(Base):
    """Some consecutive evaluations of a run; the blob holds the columns (npz, no pickle)."""

    __tablename__ = "metric_chunks"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    first_epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last_epoch: Mapped[int]
    points: Mapped[int]
    blob: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"), index=True)


class Array(Base):
    """A named result array of a finished run; the blob holds its little-endian bytes, compressed.

    ``sha256`` is of the bytes before compression.
    """

    __tablename__ = "arrays"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    dtype: Mapped[str] = mapped_column(String(16))
    shape: Mapped[list[int]] = mapped_column(JSON)
    codec: Mapped[str] = mapped_column(String(16))
    sha256: Mapped[str] = mapped_column(String(64))
    blob: Mapped[str] = mapped_column(ForeignKey("blobs.sha256"), index=True)


class StoredCheckpoint(Base):
    """The last checkpoint of an unfinished run."""

    __tablename__ = "checkpoints"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    epoch: Mapped[int]
    # Of the engine that made it: another one begins anew.
    engine_version: Mapped[int | None]
    state: Mapped[dict[str, Any]] = mapped_column(JSON)
    arrays: Mapped[bytes] = mapped_column(LargeBinary)


class IdempotencyKey(Base):
    """Which experiment a client's Idempotency-Key made, and from which request."""

    __tablename__ = "idempotency_keys"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    request_hash: Mapped[str] = mapped_column(String(64))
    experiment_id: Mapped[str] = mapped_column(
        ForeignKey("experiments.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(UtcTime)


class Worker(Base):
    """A worker that was seen alive; readiness looks at the freshest."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    seen: Mapped[float]
    slots: Mapped[int]


class Token(Base):
    """A bearer token; of its secret only the digest is kept. A revoked one keeps its row."""

    __tablename__ = "tokens"
    __table_args__ = (CheckConstraint(IN_SCOPES, name="scope"),)

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    scope: Mapped[str] = mapped_column(String(16))
    digest: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcTime)


class BrowserSession(Base):
    """A browser that signed in with a token; of its cookie only the digest is kept."""

    __tablename__ = "sessions"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    token_id: Mapped[str] = mapped_column(ForeignKey("tokens.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
