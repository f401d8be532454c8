"""What a submission would cost, without submitting it."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from reglab.api.access.scopes import needs
from reglab.api.context import Shared
from reglab.api.plan import plan
from reglab.api.problems import responses
from reglab.api.routers.experiments import SUBMISSION, json_of

router = APIRouter(prefix="/experiments", tags=["experiments"])


class EstimateBody(BaseModel):
    """What an experiment would cost."""

    runs: int = Field(description="Number of runs.", examples=[9])
    epochs: int = Field(description="Of all runs together.", examples=[90000])
    steps: int = Field(description="Updates of all runs together.", examples=[720000])
    longest_seconds: float = Field(description="Time of the longest run.", examples=[2.4])
    cpu_seconds: float = Field(description="Of all runs, one core each.", examples=[21.0])
    seconds: float = Field(
        description="Time until all have ended, if nothing else waits.", examples=[10.5]
    )
    slots: int = Field(
        description="Runs that the living workers train at once; 0 if none is alive.", examples=[2]
    )
    waiting: int = Field(description="Runs of other experiments that wait.", examples=[0])
    measured_runs: int = Field(
        description="Finished runs that the estimate rests on; 0: a model of the arithmetic alone.",
        examples=[20],
    )
    dropped: list[str] = Field(
        description="Fields of the preset that an override of a ``name`` dropped, as the new kind "
        "of object does not have them.",
        examples=[["dataset.noise"]],
    )


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
    """Takes what a submission takes, refuses what it would refuse, and stores nothing."""
    found = await plan(shared, await json_of(request, shared))
    counts = await run_in_threadpool(shared.storage.runs.counts)
    waiting = counts.get("queued", 0)
    return EstimateBody(**asdict(found.cost), waiting=waiting, dropped=found.dropped)
