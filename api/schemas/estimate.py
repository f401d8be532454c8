"""What a submission would cost."""

from __future__ import annotations

from pydantic import BaseModel, Field


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
