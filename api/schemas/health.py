"""Whether the server can work."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Health(BaseModel):
    """The process is alive."""

    status: str = Field(description="Always 'ok'.", examples=["ok"])
    version: str = Field(description="reglab's version.", examples=["0.1.0"])


class Readiness(BaseModel):
    """State of everything that the server needs."""

    ready: bool = Field(description="Whether submissions are accepted.", examples=[True])
    database: str = Field(description="'ok', or a description of the problem.", examples=["ok"])
    broker: str = Field(description="'ok', or a description of the problem.", examples=["ok"])
    worker: str = Field(description="'ok', or how long no worker has reported.", examples=["ok"])
    worker_seconds: float | None = Field(
        None, description="Seconds since a worker last reported.", examples=[0.8]
    )
    workers: int | None = Field(None, description="Number of active workers.", examples=[2])
    slots: int | None = Field(
        None, description="Number of runs that they train at the same time.", examples=[8]
    )
    queued: int | None = Field(None, description="Number of queued runs.", examples=[0])
    running: int | None = Field(None, description="Number of running runs.", examples=[3])
    oldest_queued_seconds: float | None = Field(
        None,
        description="Seconds for which the oldest queued run has waited; 0 if there is none.",
        examples=[0.0],
    )
