"""What a submission would cost."""

from __future__ import annotations

from pydantic import BaseModel, Field


class EstimateBody(BaseModel):
    """What an experiment would cost."""

    runs: int = Field(description="Number of runs.", examples=[9])
    epochs: int = Field(description="Total of all runs.", examples=[90000])
    steps: int = Field(description="Total number of updates of all runs.", examples=[720000])
    longest_seconds: float = Field(description="Time of the longest run.", examples=[2.4])
    cpu_seconds: float = Field(
        description="Total time of all runs on one core each.", examples=[21.0]
    )
    seconds: float = Field(
        description="Time until all runs have ended if no other runs are queued.", examples=[10.5]
    )
    slots: int = Field(
        description="Number of runs that the active workers train at the same time; 0 if there "
        "is no worker.",
        examples=[2],
    )
    waiting: int = Field(description="Number of queued runs of other experiments.", examples=[0])
    measured_runs: int = Field(
        description="Number of finished runs on which the estimate is based; 0 means a model of "
        "the arithmetic alone.",
        examples=[20],
    )
    dropped: list[str] = Field(
        description="Fields of the preset that an override of a ``name`` dropped, as the new kind "
        "of object does not have them.",
        examples=[["dataset.noise"]],
    )
