"""Submissions over HTTP: read, planned beside the event loop, stored, announced."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from anyio import to_thread
from fastapi import Request
from starlette.concurrency import run_in_threadpool

from reglab.api.context import Context
from reglab.api.problems import ProblemError
from reglab.core import datasets
from reglab.core.errors import FieldProblem
from reglab.core.exchange.json_text import parse
from reglab.core.spec import ResolvedRun
from reglab.core.spec.uploaded import UploadedFacts
from reglab.core.storage import NotFoundError
from reglab.core.submission.plan import History, Plan, plan
from reglab.core.submission.uploads import facts_of

# Finished runs that an estimate rests on.
HISTORY = 30


async def json_of(request: Request, shared: Context) -> Any:
    """The JSON body of a request, parsed beside the event loop."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        remedy = "Send the header Content-Type: application/json."
        problem = FieldProblem("Content-Type", f"Got '{kind}'.", remedy)
        raise ProblemError(415, "unsupported-media-type", "Unsupported media type", problem)
    try:
        return await to_thread.run_sync(parse, await request.body(), limiter=shared.planning)
    except (ValueError, RecursionError) as error:
        problem = FieldProblem("body", f"The body is not JSON: {error}.", "Send one JSON object.")
        raise ProblemError(400, "bad-json", "Bad JSON", problem) from error


async def planned(shared: Context, document: Any) -> Plan:
    """Check all of a submission that can be checked without storing it.

    Long grids are planned one at a time, in a thread of their own.

    Raises:
        SpecError: A field is wrong.
        DatasetUnavailableError: Its data cannot be downloaded.
        LimitExceededError: It is more than a limit allows.
    """
    history = await run_in_threadpool(_history, shared)
    facts = functools.partial(_facts, shared)
    planned = functools.partial(plan, document, shared.limits, history, facts)
    found = await to_thread.run_sync(planned, limiter=shared.planning)
    await run_in_threadpool(_check_data, found.runs)
    return found


def _history(shared: Context) -> History:
    return shared.storage.results.durations(HISTORY), shared.storage.runs.slots()


def _facts(shared: Context, identifier: str) -> UploadedFacts | None:
    try:
        return facts_of(shared.storage.datasets.get(identifier))
    except NotFoundError:
        return None


def _check_data(runs: Sequence[ResolvedRun]) -> None:
    """Files may be downloaded once, for which no other submission should wait."""
    for each in {run.spec.dataset for run in runs}:
        datasets.check(each)
