"""What a submission would cost, without submitting it."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from reglab.api.access.scopes import needs
from reglab.api.context import Shared
from reglab.api.problems import responses
from reglab.api.routers.experiments import SUBMISSION
from reglab.api.schemas.estimate import EstimateBody
from reglab.api.submission import json_of, planned

router = APIRouter(prefix="/experiments", tags=["experiments"])


@router.post(
    "/estimate",
    summary="Estimate an experiment without submitting it",
    operation_id="estimate_experiment",
    response_model=EstimateBody,
    responses=responses(400, 415, 422),
    openapi_extra=SUBMISSION,
)
@needs("read")
async def estimate_experiment(request: Request, shared: Shared) -> EstimateBody:
    """Accepts and refuses the same bodies as a submission, and stores nothing."""
    found = await planned(shared, await json_of(request, shared))
    counts = await run_in_threadpool(shared.storage.runs.counts)
    waiting = counts.get("queued", 0)
    return EstimateBody(**asdict(found.cost), waiting=waiting, dropped=found.dropped)
