"""A planned experiment is stored here and nowhere else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from reglab.core import datasets
from reglab.core.engine import ENGINE_VERSION
from reglab.core.settings.limits import LimitExceededError, Limits
from reglab.core.storage import Content, Origin, Quota, QuotaExceededError, Storage, Submission
from reglab.core.storage.records import NOWHERE
from reglab.core.submission.plan import Plan


def prepare(
    plan: Plan,
    document: Any,
    limits: Limits,
    *,
    key: str | None = None,
    force: bool = False,
    token_id: str | None = None,
    origin: Origin = NOWHERE,
) -> Submission:
    """What is to be stored of a plan.

    Args:
        plan: Made from the document.
        document: As it came; the same key with another one is refused.
        limits: This server's.
        key: Idempotency key, as the client gave it.
        force: Train even what could be reused.
        token_id: The token that it is submitted with.
        origin: The request that submits it.
    """
    contents = {
        each: Content(ENGINE_VERSION, datasets.digests(each))
        for each in {run.spec.dataset for run in plan.runs}
    }
    request = [document, "force"] if force else document
    if key is not None and token_id is not None:
        # The key of one user is not that of another.
        key = hashlib.sha256(f"{token_id} {key}".encode()).hexdigest()
    return Submission(
        plan.spec,
        plan.runs,
        preset=plan.preset,
        key=key,
        request_hash=hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest(),
        contents=[contents[run.spec.dataset] for run in plan.runs],
        force=force,
        token_id=token_id,
        estimated_seconds=plan.cost.cpu_seconds,
        quota=quota(limits),
        origin=origin,
    )


def submit(storage: Storage, submission: Submission, limits: Limits) -> tuple[str, bool]:
    """Store it; returns the experiment's id, and False if its key had already made it.

    Raises:
        KeyConflictError: The key was used with another request.
        LimitExceededError: More would wait, or be stored, than may.
    """
    with within_quota(limits):
        return storage.experiments.create(submission)


def retry(
    storage: Storage, experiment_id: str, limits: Limits, origin: Origin = NOWHERE
) -> list[str]:
    """Queue failed and cancelled runs again; returns their ids.

    Raises:
        LimitExceededError: More would wait than may.
    """
    with within_quota(limits):
        return storage.experiments.retry(experiment_id, quota(limits), origin)


def quota(limits: Limits) -> Quota:
    """What storage checks while it adds runs to the queue."""
    return Quota(limits.queued_runs, limits.token_seconds, limits.stored_bytes)


@contextmanager
def within_quota(limits: Limits) -> Iterator[None]:
    """Tell which limit is meant where storage says that too much waits, or is stored."""
    try:
        yield
    except QuotaExceededError as error:
        if error.name == "stored_bytes":
            detail = f"With this your experiments would hold {error.found:.0f} bytes."
            remedy = f"At most {limits.stored_bytes}: delete experiments that you do not need."
            raise LimitExceededError(limits, error.name, "experiments", detail, remedy) from error
        if error.name == "queued_runs":
            detail = f"With these {error.found:.0f} runs would wait."
        else:
            detail = "With these your unfinished runs would be estimated at "
            detail += f"{error.found:.0f} seconds of one core."
        remedy = f"At most {getattr(limits, error.name):.0f}: try again when some have ended."
        raise LimitExceededError(limits, error.name, "runs", detail, remedy) from error
