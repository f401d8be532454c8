"""The database, which is the only truth: one interface, tested alike on SQLite and Postgres."""

from __future__ import annotations

from reglab.core.settings import Settings
from reglab.core.storage.engine import Transactions, make_engine
from reglab.core.storage.experiments import Experiments
from reglab.core.storage.listing import Sort
from reglab.core.storage.records import (
    Claim,
    ExperimentRecord,
    Page,
    RunRecord,
    Swept,
    Written,
)
from reglab.core.storage.results import Results
from reglab.core.storage.reuse import Content
from reglab.core.storage.runs import Runs
from reglab.core.storage.states import (
    STATES,
    TERMINAL,
    KeyConflict,
    LeaseLost,
    NotFound,
    State,
    StorageError,
    StorageUnavailable,
    WrongState,
)
from reglab.core.storage.watch import RunProgress, Watch

__all__ = [
    "STATES",
    "TERMINAL",
    "Claim",
    "Content",
    "ExperimentRecord",
    "KeyConflict",
    "LeaseLost",
    "NotFound",
    "Page",
    "RunProgress",
    "RunRecord",
    "Sort",
    "State",
    "Storage",
    "StorageError",
    "StorageUnavailable",
    "Swept",
    "Written",
    "WrongState",
]


class Storage:
    """Repositories over one database.

    Attributes:
        experiments: Submission, listing, cancel, retry, delete.
        runs: Claims, fenced writes, sweep.
        results: Curves and arrays.
        watch: What moves, for many experiments at once.
    """

    def __init__(self, url: str, lease_seconds: float = 30.0, max_attempts: int = 3) -> None:
        self.engine = make_engine(url)
        transactions = Transactions(self.engine)
        self.experiments = Experiments(transactions, max_attempts)
        self.runs = Runs(transactions, lease_seconds)
        self.results = Results(transactions)
        self.watch = Watch(transactions)

    @classmethod
    def of(cls, settings: Settings) -> Storage:
        """Over the database that the settings name."""
        return cls(settings.database_url, settings.lease_seconds, settings.max_attempts)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
