"""What repositories hand out: plain records, detached from any session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reglab.core.results import STATES, State
from reglab.core.spec import resolved
from reglab.core.storage.models import Experiment, Run, Token
from reglab.core.storage.states import AccessScope, experiment_state


@dataclass(frozen=True)
class RunRecord:
    """A run as it was when it was read."""

    id: str
    experiment_id: str
    index: int
    params: dict[str, Any]
    seed: int
    spec: dict[str, Any]
    state: State
    attempt: int
    cancel_requested: bool
    epoch: int
    progress: float
    error: dict[str, Any] | None
    errors: list[dict[str, Any]]
    summary: dict[str, Any] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    reused_from: str | None = None
    request_id: str | None = None
    traceparent: str | None = None

    @property
    def cached(self) -> bool:
        """Whether its results were copied from an equal run instead of trained."""
        return self.reused_from is not None

    @classmethod
    def of(cls, row: Run) -> RunRecord:
        """Copy a row."""
        record = {name: getattr(row, name) for name in cls.__dataclass_fields__}
        # Rows of earlier versions have the sweep's values as they were submitted.
        return cls(**record | {"params": resolved(row.spec, row.params)})


@dataclass(frozen=True)
class Origin:
    """The request that queues runs, by which logs and traces find together.

    Attributes:
        request_id: As in the answer's X-Request-Id.
        traceparent: Its span, as W3C Trace Context writes it.
    """

    request_id: str | None = None
    traceparent: str | None = None


NOWHERE = Origin()


@dataclass(frozen=True)
class ExperimentRecord:
    """An experiment, with its number of runs by state and its mean progress."""

    id: str
    name: str
    preset: str | None
    tags: list[str]
    spec: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    counts: dict[str, int]
    progress: float
    token_id: str | None = None
    estimated_seconds: float | None = None

    @property
    def state(self) -> State:
        """Derived from the runs' states."""
        return experiment_state(self.counts)

    @classmethod
    def of(
        cls, row: Experiment, tags: list[str], counts: dict[str, int], progress: float
    ) -> ExperimentRecord:
        """Copy a row and what was counted for it."""
        full: dict[str, int] = {state: counts.get(state, 0) for state in STATES}
        return cls(
            row.id,
            row.name,
            row.preset,
            tags,
            row.spec,
            row.created_at,
            row.updated_at,
            full,
            progress,
            row.token_id,
            row.estimated_seconds,
        )


@dataclass(frozen=True)
class Page:
    """One page of a listing; ``next_cursor`` is None on the last."""

    items: list[ExperimentRecord]
    next_cursor: str | None


@dataclass(frozen=True)
class RunLease:
    """The right to write results of a run, until the lease ends or another attempt begins.

    Attributes:
        run_id: The run.
        attempt: Fences every write.
        owner: Who holds the lease.
        run: The run as leased.
        checkpoint: Arrays and JSON state to go on from, or None to start anew.
    """

    run_id: str
    attempt: int
    owner: str
    run: RunRecord
    checkpoint: tuple[dict[str, Any], dict[str, Any]] | None = None


@dataclass(frozen=True)
class Written:
    """What a fenced write tells the worker: whether someone asked to cancel."""

    cancel_requested: bool


@dataclass(frozen=True)
class Reaped:
    """What reaping did: run ids whose messages are to be sent, and numbers for the log."""

    send: list[str]
    requeued: int = 0
    failed: int = 0
    cancelled: int = 0


@dataclass(frozen=True)
class TokenRecord:
    """A bearer token without its secret, which nobody can read again.

    Attributes:
        expires_at: None never expires.
        last_used_at: To within some minutes.
    """

    id: str
    name: str
    scope: AccessScope
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    @classmethod
    def of(cls, row: Token) -> TokenRecord:
        """Copy a row."""
        return cls(**{name: getattr(row, name) for name in cls.__dataclass_fields__})

    def state(self, moment: datetime) -> str:
        """'active', 'expired' or 'revoked' at this moment."""
        if self.revoked_at is not None:
            return "revoked"
        expired = self.expires_at is not None and self.expires_at <= moment
        return "expired" if expired else "active"
