"""Counts of what happened to runs, made in the transaction in which it happens: each exactly once.

They are in the database, so they survive restarts, are the same for every server that is asked, and
do not fall when old experiments are deleted.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from reglab.core.results import State
from reglab.core.spec import RunSpec
from reglab.core.storage.database import Transactions
from reglab.core.storage.models import CounterRow, Run

SUBMITTED = "runs_submitted"
ATTEMPTS = "run_attempts"
RETRIES = "run_retries"
RELEASES = "run_releases"
EXPIRIES = "lease_expiries"
STEPS = "training_steps"
RUN_SECONDS = "run_seconds"
WAIT_SECONDS = "run_wait_seconds"

BOUNDS = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000)
SUM = "sum"
INFINITE = "+Inf"
# Transactions of other runs count in other rows, so that they seldom wait for each other.
SHARDS = 16


@dataclass(frozen=True)
class Count:
    """So much more of something."""

    name: str
    label: str = ""
    amount: float = 1.0
    bucket: str = ""


@dataclass(frozen=True)
class Histogram:
    """How long things took: number by upper bound in seconds (not cumulative), and the sum."""

    counts: dict[str, int]
    total: float


@dataclass(frozen=True)
class Counters:
    """All counts at one moment.

    Attributes:
        counters: Value by name and label.
        histograms: By name and label.
    """

    counters: dict[tuple[str, str], float]
    histograms: dict[tuple[str, str], Histogram]

    def histogram(self, name: str, label: str) -> Histogram:
        """This one, empty if nothing was counted yet."""
        return self.histograms.get((name, label)) or _histogram({})


def note(session: Session, shard_of: str, counts: Iterable[Count]) -> None:
    """Add to the counts as part of an open transaction; to be its last statement.

    Args:
        session: A write transaction.
        shard_of: An id that spreads the counts over rows.
        counts: What happened.
    """
    amounts: dict[tuple[str, str, str], float] = {}
    for count in counts:
        key = (count.name, count.label, count.bucket)
        amounts[key] = amounts.get(key, 0.0) + count.amount
    if not amounts:
        return
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    shard = 0 if on_sqlite else zlib.crc32(shard_of.encode()) % SHARDS
    rows = [
        {"name": name, "label": label, "bucket": bucket, "shard": shard, "value": value}
        # In one order, or two transactions could wait for each other.
        for (name, label, bucket), value in sorted(amounts.items())
    ]
    session.connection().execute(ADD_SQLITE if on_sqlite else ADD_POSTGRES, rows)


def leased(run: Any) -> list[Count]:
    """An attempt begins.

    The steps of a run in training are counted by reading its row, those of earlier attempts here;
    what a checkpoint already counted is taken off, so that the sum goes on without a jump.
    """
    counts = [Count(ATTEMPTS), *_steps(run, -run.epoch)]
    if run.attempt == 1 and run.started_at is not None:
        counts += _lasted(WAIT_SECONDS, "", run.created_at, run.started_at)
    return counts


def stopped(run: Any, epoch: int, state: State | None = None) -> list[Count]:
    """An attempt has ended after this epoch; with a final state if the run has ended too."""
    counts = _steps(run, epoch)
    if state is not None and run.started_at is not None:
        counts += _lasted(RUN_SECONDS, state, run.started_at, datetime.now(UTC))
    return counts


def expired(run: Run, state: State) -> list[Count]:
    """A lease has ended, and the run is in this state now."""
    final = None if state == "queued" else state
    return [Count(EXPIRIES, state), *stopped(run, run.epoch, final)]


def _add(insert: Any) -> Any:
    return insert.on_conflict_do_update(
        index_elements=["name", "label", "bucket", "shard"],
        set_={"value": CounterRow.value + insert.excluded.value},
    )


# Made once: building a statement takes longer than running it.
ADD_SQLITE = _add(sqlite.insert(CounterRow))
ADD_POSTGRES = _add(postgresql.insert(CounterRow))


class CounterReader:
    """Repository of the counts."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def read(self) -> Counters:
        """All counts, the steps of running trainings included, as of one moment."""
        key = (CounterRow.name, CounterRow.label, CounterRow.bucket)
        with self._transactions.snapshot() as session:
            summed = select(*key, func.sum(CounterRow.value)).group_by(*key)
            rows = session.execute(summed).all()
            running = select(Run.epoch, Run.spec).where(Run.state == "running")
            live = sum(epoch * steps_per_epoch(spec) for epoch, spec in session.execute(running))
        counters: dict[tuple[str, str], float] = {}
        histograms: dict[tuple[str, str], dict[str, float]] = {}
        for name, label, bucket, value in rows:
            if bucket:
                histograms.setdefault((name, label), {})[bucket] = value
            else:
                counters[name, label] = value
        counters[STEPS, ""] = counters.get((STEPS, ""), 0.0) + live
        return Counters(counters, {key: _histogram(found) for key, found in histograms.items()})


def _histogram(found: dict[str, float]) -> Histogram:
    names = [*(f"{bound:g}" for bound in BOUNDS), INFINITE]
    return Histogram({name: int(found.get(name, 0)) for name in names}, found.get(SUM, 0.0))


def _lasted(name: str, label: str, since: datetime, until: datetime) -> list[Count]:
    # Hosts' clocks may differ a little.
    seconds = max(0.0, (until - since).total_seconds())
    bucket = next((f"{bound:g}" for bound in BOUNDS if seconds <= bound), INFINITE)
    return [Count(name, label, 1.0, bucket), Count(name, label, seconds, SUM)]


def _steps(run: Any, epochs: int) -> list[Count]:
    return [Count(STEPS, "", epochs * steps_per_epoch(run.spec))] if epochs else []


def steps_per_epoch(document: dict[str, Any]) -> int:
    """Updates in an epoch of a stored run spec."""
    try:
        spec = RunSpec.model_validate(document)
    except ValidationError:
        # Of a version that knew other fields: better uncounted than unfinished.
        return 0
    return spec.steps_per_epoch()
