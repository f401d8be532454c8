"""The one task: claim a run, train it, store what it found."""

from __future__ import annotations

import logging
import os
import socket
import threading
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded

from reglab.core.errors import ReglabError, TrainingDiverged
from reglab.core.settings import Settings
from reglab.core.storage import Claim, LeaseLost, Storage
from reglab.worker.app import RUN_TASK, app, settings
from reglab.worker.execute import Cancelled, Execution, Interrupted
from reglab.worker.shutdown import stopping

log = logging.getLogger("reglab.worker")
_storage: Storage | None = None
_lock = threading.Lock()


def storage(of: Settings = settings) -> Storage:
    """This process's storage; made after the fork, as connections must not cross it."""
    global _storage
    with _lock:
        if _storage is None:
            _storage = Storage.of(of)
        return _storage


def owner() -> str:
    """Who holds a lease: host and process."""
    return f"{socket.gethostname()}:{os.getpid()}"


@app.task(name=RUN_TASK)
def run(run_id: str) -> str:
    """Train one run.

    The message is a hint that work waits: the run whose turn it is is claimed, which need not be
    the one that is named. A message too many finds nothing to claim and ends at once.
    """
    if stopping():
        # Released runs have no message any more: the sweeper of a living worker sends a new one.
        return "shutting down"
    claim = storage().runs.claim_next(owner())
    if claim is None:
        return "nothing waits"
    return execute(claim)


def execute(claim: Claim) -> str:
    """Run a claimed training to its end, whatever that is; returns a word for the log."""
    runs = storage().runs
    log.info("run %s: attempt %d begins", claim.run_id, claim.attempt)
    execution = Execution(storage(), claim, settings)
    try:
        execution.run()
    except Cancelled:
        runs.cancelled(claim, execution.columns())
        outcome = "cancelled"
    except Interrupted:
        runs.release(claim, execution.epoch, execution.columns(), execution.checkpoint())
        outcome = "released"
    except LeaseLost:
        outcome = "lease lost"
    except SoftTimeLimitExceeded:
        outcome = _fail(claim, _problem("time-limit", "The run took longer than allowed."), False)
    except TrainingDiverged as error:
        outcome = _fail(claim, _from_error("diverged", error), False)
    except ReglabError as error:
        outcome = _fail(claim, _from_error("refused", error), False)
    except Exception as error:
        log.exception("run %s: attempt %d failed", claim.run_id, claim.attempt)
        outcome = _fail(claim, _problem("fault", f"{type(error).__name__}: {error}"), True)
    else:
        outcome = "succeeded"
    log.info("run %s: attempt %d %s", claim.run_id, claim.attempt, outcome)
    return outcome


def _fail(claim: Claim, error: dict[str, Any], retry: bool) -> str:
    try:
        again = storage().runs.fail(claim, error, retry)
    except LeaseLost:
        return "lease lost"
    return "queued again" if again else "failed"


def _from_error(kind: str, error: ReglabError) -> dict[str, Any]:
    first = error.problems[0]
    return {"type": kind, "field": first.path, "detail": first.detail, "remedy": first.remedy}


def _problem(kind: str, detail: str) -> dict[str, Any]:
    remedy = {
        "time-limit": "Use fewer epochs, or raise REGLAB_TASK_SECONDS.",
        "fault": "This is a fault of the service; see the worker's log, then retry.",
    }[kind]
    return {"type": kind, "detail": detail, "remedy": remedy}
