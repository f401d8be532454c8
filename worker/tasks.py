"""The one task: lease a run, train it, store what it found."""

from __future__ import annotations

import functools
import logging
import os
import signal
import threading
from typing import Any

import structlog
from celery.exceptions import Reject, SoftTimeLimitExceeded

from reglab.core.engine import ENGINE_VERSION
from reglab.core.errors import FieldProblemError, TrainingDivergedError
from reglab.core.process import tracing
from reglab.core.settings import Settings
from reglab.core.storage import LeaseLostError, RunLease, Storage, StorageUnavailableError
from reglab.worker.app import RUN_TASK, app, settings
from reglab.worker.execute import Execution, RunCancelledError, RunInterruptedError, RunOverdueError
from reglab.worker.identity import owner
from reglab.worker.persist import persist
from reglab.worker.shutdown import stopping

log = logging.getLogger("reglab.worker")
_storage: Storage | None = None
_lock = threading.Lock()


def _without_traceback(record: logging.LogRecord) -> bool:
    """A message that is handed back at a shutdown is no error to look into."""
    if record.exc_info and isinstance(record.exc_info[1], Reject):
        record.exc_info = None
    return True


# Celery logs each rejected message with the traceback of its task.
logging.getLogger("celery.app.trace").addFilter(_without_traceback)


def storage(of: Settings = settings) -> Storage:
    """This process's storage; made after the fork, as connections must not cross it."""
    global _storage
    with _lock:
        if _storage is None:
            _storage = Storage.of(of)
        return _storage


@app.task(name=RUN_TASK)
def run(run_id: str) -> str:  # noqa: ARG001 # a hint
    """Train one run.

    The message is a hint that work waits: the run whose turn it is is leased, which need not be
    the one that is named. A message too many finds nothing to lease and ends at once.
    """
    name, runs = owner(), storage().runs
    try:
        if stopping():
            raise RunInterruptedError
        lease = persist(lambda again: runs.lease_next(name, again, int(ENGINE_VERSION)), stopping)
    except (RunInterruptedError, StorageUnavailableError) as error:
        # Back to the broker, for a worker that stays.
        raise Reject("shutting down", requeue=True) from error
    if lease is None:
        return "nothing waits"
    return execute(lease)


def execute(lease: RunLease) -> str:
    """Run a leased training to its end, whatever that is; returns a word for the log."""
    identity = _identity(lease)
    with (
        structlog.contextvars.bound_contextvars(**identity),
        tracing.span("run", lease.run.traceparent, **identity) as span,
    ):
        outcome = _logged(lease)
        if span is not None:
            span.set_attribute("reglab.outcome", outcome)
        return outcome


def _identity(lease: RunLease) -> dict[str, Any]:
    """What each log line of an attempt names."""
    run = lease.run
    identity = {"run_id": run.id, "experiment_id": run.experiment_id, "attempt": lease.attempt}
    # Of the request that queued this run, which need not be the one whose message came.
    return identity | ({"request_id": run.request_id} if run.request_id else {})


def _logged(lease: RunLease) -> str:
    log.info("run %s: attempt %d begins", lease.run_id, lease.attempt)
    execution = Execution(storage(), lease, settings, _end_process)
    try:
        outcome = _outcome(execution, lease)
    except LeaseLostError:
        outcome = "lease lost"
    except StorageUnavailableError:
        # Only at a shutdown: what was checkpointed is there, and the lease will end.
        outcome = "left to its lease, because the database is not reachable"
    log.info("run %s: attempt %d %s", lease.run_id, lease.attempt, outcome)
    return outcome


def _end_process() -> None:
    """The pool makes another; Celery gives the message back, which finds nothing to lease."""
    log.warning("ending this process in the middle of a long epoch")
    os.kill(os.getpid(), signal.SIGKILL)


def _outcome(execution: Execution, lease: RunLease) -> str:
    runs = storage().runs
    try:
        execution.run()
    except (LeaseLostError, StorageUnavailableError):
        raise
    except RunCancelledError:
        columns = execution.columns()
        persist(lambda _: runs.cancel(lease, columns), stopping)
        return "cancelled"
    except RunInterruptedError:
        columns, checkpoint = execution.columns(), execution.checkpoint()
        # One try: a worker that was asked to stop is killed if it takes long.
        runs.release(lease, execution.epoch, columns, checkpoint, int(ENGINE_VERSION))
        return "released"
    except Exception as error:
        return _fail(execution, lease, error)
    return "succeeded"


def _fail(execution: Execution, lease: RunLease, error: Exception) -> str:
    document, retry = describe(lease, error)
    fail = functools.partial(storage().runs.fail, lease, document, retry, execution.columns())
    again = persist(lambda _: fail(execution.epoch), stopping)
    return "queued again" if again else "failed"


def describe(lease: RunLease, error: Exception) -> tuple[dict[str, Any], bool]:
    """The error as it is kept, and whether another attempt may end better."""
    if isinstance(error, SoftTimeLimitExceeded | RunOverdueError):
        return _problem("time-limit", "The run took longer than allowed."), False
    if isinstance(error, FieldProblemError):
        kind = "diverged" if isinstance(error, TrainingDivergedError) else "refused"
        return _from_error(kind, error), False
    log.error("run %s: attempt %d failed", lease.run_id, lease.attempt, exc_info=error)
    return _problem("fault", f"{type(error).__name__}: {error}"), True


def _from_error(kind: str, error: FieldProblemError) -> dict[str, Any]:
    first = error.problems[0]
    return {"type": kind, "field": first.path, "detail": first.detail, "remedy": first.remedy}


def _problem(kind: str, detail: str) -> dict[str, Any]:
    remedy = {
        "time-limit": "Use fewer epochs, or raise REGLAB_TASK_SECONDS.",
        "fault": "This is a fault of the service; see the worker's log, then retry.",
    }[kind]
    return {"type": kind, "detail": detail, "remedy": remedy}
