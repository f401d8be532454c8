"""What the events of an experiment carry."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from reglab.api.schemas.base import ID
from reglab.core.results import State
from reglab.core.spec.metrics import ACCURACY, LOSS
from reglab.core.storage import RunProgress


class RunMoved(BaseModel):
    """Progress of one run."""

    id: str = Field(description="The run.", examples=[ID])
    index: int = Field(description="Position in the experiment, from 0.", examples=[0])
    state: State = Field(description="State.", examples=["running"])
    attempt: int = Field(description="Number of attempts so far.", examples=[1])
    epoch: int = Field(description="Epochs trained so far.", examples=[120])
    progress: float = Field(description="From 0 to 1.", examples=[0.12])
    error: dict[str, Any] | None = Field(
        description="Type, detail and remedy of the error that ended the run; null otherwise.",
        examples=[None],
    )

    @classmethod
    def of(cls, run: RunProgress) -> RunMoved:
        """From storage."""
        return cls(**vars(run))


class _Event(BaseModel):
    experiment_id: str = Field(description="The experiment.", examples=[ID])
    snapshot: bool = Field(
        description=(
            "True in the first events of a stream that does not go on from a known one: all runs "
            "as they are, to replace what the reader has. False where only changes are told."
        ),
        examples=[False],
    )


class StateEvent(_Event):
    """Event ``state``: the experiment's or a run's state changed."""

    state: State = Field(description="The experiment's state.", examples=["running"])
    counts: dict[str, int] = Field(
        description="Number of runs by state.", examples=[{"queued": 7, "running": 2}]
    )
    progress: float = Field(description="Mean progress of the runs, from 0 to 1.", examples=[0.2])
    runs: list[RunMoved] = Field(description="Runs whose state or attempt changed.")


class ProgressEvent(_Event):
    """Event ``progress``: runs have progressed."""

    progress: float = Field(description="Mean progress of the runs, from 0 to 1.", examples=[0.2])
    runs: list[RunMoved] = Field(description="Runs whose epoch or progress changed.")


class MetricColumns(BaseModel):
    """Evaluations as columns of equal length, as in ``GET .../curves``."""

    run_id: list[str] = Field(description="The run of each row.", examples=[[ID]])
    epoch: list[int] = Field(description="Epochs trained.", examples=[[120]])
    train_loss: list[float] = Field(description=LOSS, examples=[[0.21]])
    train_accuracy: list[float] = Field(description=ACCURACY, examples=[[0.93]])
    test_loss: list[float] = Field(description=LOSS, examples=[[0.25]])
    test_accuracy: list[float] = Field(description=ACCURACY, examples=[[0.91]])
    validation_loss: list[float | None] = Field(
        description=f"{LOSS} Null in runs without a validation split.", examples=[[0.24]]
    )
    validation_accuracy: list[float | None] = Field(
        description=f"{ACCURACY} Null in runs without a validation split.", examples=[[0.92]]
    )


class MetricsEvent(_Event):
    """Event ``metrics``: new evaluations; in a snapshot only the latest of each run."""

    columns: MetricColumns = Field(
        description=(
            "By run, each by rising epoch. Of many new points a run keeps at most 100, the "
            "extremes of the test loss among them; GET .../curves has all."
        )
    )


class DeletedEvent(BaseModel):
    """Event ``deleted``: the experiment was deleted, and the stream ends."""

    experiment_id: str = Field(description="The experiment.", examples=[ID])


EVENT_MODELS = (StateEvent, ProgressEvent, MetricsEvent, DeletedEvent)


def event_schema(names: list[str], data: dict[str, Any]) -> dict[str, Any]:
    """OpenAPI schema of one Server-Sent Event whose data is JSON of this schema."""
    text = {"type": "string", "contentMediaType": "application/json", "contentSchema": data}
    event = {"type": "string", "enum": names}
    properties = {"event": event, "id": {"type": "string"}, "data": text}
    return {"type": "object", "properties": properties, "required": ["event", "data"]}
