"""Datasets: built-in ones, and those that users upload."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints, field_validator

from reglab.core.storage import DatasetRecord
from reglab.core.tables import ReadOptions, TableFacts

ID = "sha256:" + "0f" * 32
Kind = Literal["builtin", "uploaded"]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class DatasetRow(BaseModel):
    """A dataset in the list."""

    kind: Kind = Field(description="Whether it is built in or uploaded.", examples=["builtin"])
    id: str | None = Field(description="Id of an uploaded dataset; else null.", examples=[None])
    name: str = Field(
        description="As in dataset.name; what its owner calls it where it is uploaded.",
        examples=["mnist"],
    )
    title: str = Field(description="Title of the dataset.", examples=["MNIST"])
    n: int | None = Field(
        description="Rows of an uploaded dataset; null for a built-in one.", examples=[None]
    )
    n_features: int = Field(description="Features per example.", examples=[784])
    n_classes: int | None = Field(
        description="Number of classes; null for regression or without a target.", examples=[10]
    )
    image_shape: list[int] | None = Field(
        description="Rows and columns of an image; null if the inputs are not images.",
        examples=[[28, 28]],
    )
    target: str | None = Field(
        description="Column of the target of an uploaded dataset; else null.", examples=[None]
    )
    tags: list[str] = Field(description="Tags of an uploaded dataset.", examples=[[]])
    size: int | None = Field(description="Bytes of the uploaded file; else null.", examples=[None])
    created_at: datetime | None = Field(
        description="Time of the upload (RFC 3339, UTC); null for a built-in dataset.",
        examples=[None],
    )
    source: str = Field(description="Source of the data.", examples=["MNIST, IDX files"])
    licence: str = Field(description="Its licence.", examples=["CC BY-SA 3.0"])
    available: bool = Field(description="Whether it is available on this server.", examples=[True])
    reason: str | None = Field(
        description="Why it is not available, and how to make it available.", examples=[None]
    )

    @classmethod
    def built_in(cls, row: dict[str, Any]) -> DatasetRow:
        """From a row of the catalog."""
        own: dict[str, Any] = {"kind": "builtin", "id": None, "n": None, "target": None, "tags": []}
        return cls.model_validate(row | own | {"size": None, "created_at": None})

    @classmethod
    def uploaded(cls, record: DatasetRecord) -> DatasetRow:
        """From a record of storage."""
        facts = record.facts
        target = facts["target"] or {}
        classes = target.get("classes")
        return cls(
            kind="uploaded",
            id=record.id,
            name=record.name,
            title=record.description.partition("\n")[0] or record.name,
            n=facts["n"],
            n_features=facts["n_features"],
            n_classes=None if classes is None else len(classes),
            image_shape=facts["image_shape"],
            target=target.get("name"),
            tags=record.tags,
            size=record.size,
            created_at=record.created_at,
            source="upload",
            licence="",
            available=True,
            reason=None,
        )


class DatasetList(BaseModel):
    """One page of datasets: built-in ones first, then uploaded ones, the newest first."""

    items: list[DatasetRow] = Field(description="The datasets.")
    next_cursor: str | None = Field(
        description="Value of ``cursor`` for the next page; null on the last page.", examples=[None]
    )


class DatasetBody(TableFacts):
    """An uploaded dataset."""

    id: str = Field(description="sha256 of how the file is read and of its bytes.", examples=[ID])
    name: str = Field(description="Name of the dataset.", examples=["Patients"])
    description: str = Field(description="What it is.", examples=["Blood values, 2025"])
    tags: list[str] = Field(description="Tags of the dataset.", examples=[["course"]])
    options: dict[str, Any] = Field(
        description="Options of the upload that decide how the file is read.",
        examples=[{"separator": ";"}],
    )
    size: int = Field(description="Bytes of the file.", examples=[18234])
    created_at: datetime = Field(description="Time of the first upload (RFC 3339, UTC).")

    @classmethod
    def of(cls, record: DatasetRecord) -> DatasetBody:
        """From a record of storage."""
        own = set(cls.model_fields) - set(TableFacts.model_fields)
        return cls.model_validate(record.facts | {name: getattr(record, name) for name in own})


class DatasetRequest(BaseModel):
    """The part ``document`` of an upload."""

    model_config = {"extra": "forbid"}

    name: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="Name of the dataset; that of the file if left out.",
        examples=["Patients"],
    )
    description: str = Field(
        "", max_length=2000, description="What it is.", examples=["Blood values, 2025"]
    )
    tags: list[Tag] = Field(
        default_factory=list, max_length=32, description="Tags.", examples=[["course"]]
    )
    target: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="Column that is learnt. Arrays and images have one of their own; a table "
        "without one can be looked at.",
        examples=["outcome"],
    )
    options: ReadOptions = Field(
        default_factory=lambda: ReadOptions.model_validate({}),
        description="How the file is read, where that is not found from its content.",
    )


class DatasetChange(BaseModel):
    """Fields that may be changed after an upload."""

    model_config = {"extra": "forbid", "strict": True}

    name: str | None = Field(
        None, min_length=1, max_length=200, description="New name.", examples=["Patients"]
    )
    description: str | None = Field(
        None, max_length=2000, description="New description.", examples=["Blood values, 2025"]
    )
    tags: list[Tag] | None = Field(
        None,
        max_length=32,
        description="New tags, which replace the old ones.",
        examples=[["course"]],
    )

    @field_validator("name", "description", "tags")
    @classmethod
    def _says_something(cls, value: Any) -> Any:
        # What is left out stays; null would stay, too, without a word.
        if value is None:
            raise ValueError("Leave it out to keep it; '' and [] take it away.")
        return value
