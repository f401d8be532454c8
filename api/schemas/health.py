"""Whether the server can work."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Health(BaseModel):
    """The process answers."""

    status: str = Field(description="Always 'ok'.", examples=["ok"])
    version: str = Field(description="reglab's version.", examples=["0.1.0"])


class Readiness(BaseModel):
    """What the server needs, part by part."""

    ready: bool = Field(description="Whether submissions can be taken.", examples=[True])
    database: str = Field(description="'ok', or what is wrong.", examples=["ok"])
    broker: str = Field(description="'ok', or what is wrong.", examples=["ok"])
    worker: str = Field(description="'ok', or how long none was seen.", examples=["ok"])
    worker_seconds: float | None = Field(
        None, description="Seconds since the freshest worker was seen.", examples=[0.8]
    )
    workers: int | None = Field(None, description="Workers seen lately.", examples=[2])
    slots: int | None = Field(None, description="Runs that they train at once.", examples=[8])
    queued: int | None = Field(None, description="Runs that wait.", examples=[0])
    running: int | None = Field(None, description="Runs in training.", examples=[3])
    oldest_queued_seconds: float | None = Field(
        None, description="Age of the longest waiting run; 0 if none waits.", examples=[0.0]
    )
