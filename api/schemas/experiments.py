"""Experiments and their submission."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field, field_validator

from reglab.api.schemas.base import ID
from reglab.api.schemas.runs import RunBody
from reglab.core.results import State
from reglab.core.spec import ExperimentSpec
from reglab.core.storage import ExperimentRecord, RunRecord


class PresetRequest(BaseModel):
    """A preset with changes."""

    preset: str = Field(description="Name of a preset.", examples=["l2"])
    overrides: dict[str, Any] = Field(
        default_factory=dict,
        description="Changes of the preset's spec; keys may be dotted paths.",
        examples=[{"training.epochs": 2000, "seeds": [0, 1, 2]}],
    )


class ExperimentSummary(BaseModel):
    """An experiment without its runs."""

    id: str = Field(description="UUIDv7.", examples=[ID])
    name: str = Field(description="Name of the experiment.", examples=["L2 on two moons"])
    preset: str | None = Field(description="Preset from which it was made.", examples=["l2"])
    tags: list[str] = Field(description="Tags of the experiment.", examples=[["course"]])
    state: State = Field(
        description="State, derived from the states of the runs.", examples=["running"]
    )
    counts: dict[str, int] = Field(
        description="Number of runs by state.", examples=[{"queued": 7, "running": 2}]
    )
    progress: float = Field(description="Mean progress of the runs, from 0 to 1.", examples=[0.2])
    created_at: datetime = Field(description="Time of submission (RFC 3339, UTC).")
    updated_at: datetime = Field(description="Time of the last change of name or tags.")

    @classmethod
    def of(cls, record: ExperimentRecord) -> ExperimentSummary:
        """From storage."""
        return cls(**{name: getattr(record, name) for name in ExperimentSummary.model_fields})


class ExperimentBody(ExperimentSummary):
    """An experiment with its spec and runs."""

    spec: ExperimentSpec = Field(description="The submitted spec with all defaults.")
    runs: list[RunBody] = Field(description="The runs, in the order of their index.")

    @classmethod
    def with_runs(cls, record: ExperimentRecord, runs: list[RunRecord]) -> ExperimentBody:
        """From storage."""
        fields = {name: getattr(record, name) for name in ExperimentSummary.model_fields}
        spec = ExperimentSpec.model_validate(record.spec)
        return cls(**fields, spec=spec, runs=[RunBody.of(run) for run in runs])


class SubmittedBody(ExperimentBody):
    """An experiment as it was submitted."""

    dropped: list[str] = Field(
        description="Fields of the preset that an override of a ``name`` dropped, as the new kind "
        "of object does not have them.",
        examples=[["dataset.noise"]],
    )


class ExperimentPage(BaseModel):
    """One page of experiments, newest first."""

    items: list[ExperimentSummary] = Field(description="The experiments.")
    next_cursor: str | None = Field(
        description="Value of ``cursor`` for the next page; null on the last page.", examples=[None]
    )


class RunList(BaseModel):
    """All runs of an experiment."""

    items: list[RunBody] = Field(description="The runs, in the order of their index.")


class ExperimentChange(BaseModel):
    """Fields that may be changed after submission."""

    model_config = {"extra": "forbid", "strict": True}

    name: str | None = Field(None, max_length=200, description="New name.", examples=["Trial 2"])
    tags: list[str] | None = Field(
        None,
        max_length=32,
        description="New tags, which replace the old ones.",
        examples=[["course"]],
    )

    @field_validator("name", "tags")
    @classmethod
    def _says_something(cls, value: Any) -> Any:
        # What is left out stays; null would stay, too, without a word.
        if value is None:
            raise ValueError("Leave it out to keep it; '' and [] take it away.")
        return value
