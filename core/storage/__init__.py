"""The database, which is the only truth: one interface, tested alike on SQLite and Postgres."""

from __future__ import annotations

import time
from collections.abc import Callable

from reglab.core.settings import Settings
from reglab.core.storage.counters import CounterReader
from reglab.core.storage.database import Transactions, make_engine
from reglab.core.storage.datasets import DatasetPage, DatasetRecord, Datasets, NewDataset
from reglab.core.storage.experiments import Experiments
from reglab.core.storage.leases import LeaseWatch
from reglab.core.storage.listing import Sort
from reglab.core.storage.maintenance import Maintenance
from reglab.core.storage.overview import Overview, Overviews
from reglab.core.storage.quota import Quota, QuotaExceededError
from reglab.core.storage.records import (
    ExperimentRecord,
    Origin,
    Page,
    Reaped,
    RunLease,
    RunRecord,
    TokenRecord,
    Written,
)
from reglab.core.storage.result_cache import Content
from reglab.core.storage.results import Results
from reglab.core.storage.retention import Retention
from reglab.core.storage.runs import Runs
from reglab.core.storage.sessions import Sessions
from reglab.core.storage.states import (
    SCOPES,
    AccessScope,
    KeyConflictError,
    LeaseLostError,
    NotFoundError,
    StorageConflictError,
    StorageError,
    StorageUnavailableError,
    TokenRefusedError,
    WrongStateError,
)
from reglab.core.storage.submission import Submission
from reglab.core.storage.tokens import Tokens
from reglab.core.storage.transfer import AlreadyStoredError, Transfer
from reglab.core.storage.watch import RunProgress, Watch

__all__ = [
    "SCOPES",
    "AccessScope",
    "AlreadyStoredError",
    "Content",
    "DatasetPage",
    "DatasetRecord",
    "ExperimentRecord",
    "KeyConflictError",
    "LeaseLostError",
    "NewDataset",
    "NotFoundError",
    "Origin",
    "Overview",
    "Page",
    "Quota",
    "QuotaExceededError",
    "Reaped",
    "RunLease",
    "RunProgress",
    "RunRecord",
    "Sort",
    "Storage",
    "StorageConflictError",
    "StorageError",
    "StorageUnavailableError",
    "Submission",
    "TokenRecord",
    "TokenRefusedError",
    "Written",
    "WrongStateError",
]


class Storage:
    """Repositories over one database.

    Attributes:
        experiments: Submission, listing, cancel, retry, delete.
        runs: Leases and fenced writes.
        results: Curves and arrays.
        maintenance: Reaping, and which workers live.
        datasets: Uploaded datasets and their bytes.
        tokens: Bearer tokens: making, checking, revoking.
        sessions: Browsers that signed in with a token.
        overview: The state of queue and workers.
        retention: What is old enough to go.
        counters: What happened to runs so far, in numbers.
        transfer: Whole experiments as archives, out and in.
        watch: What moves, for many experiments at once.

    Args:
        url: SQLAlchemy URL.
        lease_seconds: How long a lease holds without a heartbeat.
        max_attempts: How often a run may be started.
        clock: Seconds that never jump, by which leases end.
    """

    def __init__(
        self,
        url: str,
        lease_seconds: float = 30.0,
        max_attempts: int = 3,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.engine = make_engine(url)
        transactions = Transactions(self.engine)
        self.experiments = Experiments(transactions, max_attempts)
        self.runs = Runs(transactions, lease_seconds)
        self.results = Results(transactions)
        self.datasets = Datasets(transactions)
        self.tokens = Tokens(transactions)
        self.sessions = Sessions(transactions)
        self.transfer = Transfer(transactions, self.results)
        self.watch = Watch(transactions)
        self.overview = Overviews(transactions)
        self.retention = Retention(transactions)
        self.counters = CounterReader(transactions)
        self.maintenance = Maintenance(transactions, LeaseWatch(lease_seconds, clock))

    @classmethod
    def of(cls, settings: Settings) -> Storage:
        """Over the database that the settings name."""
        return cls(settings.database_url, settings.lease_seconds, settings.max_attempts)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
