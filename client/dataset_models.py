"""Datasets as the server answers them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import Field

from reglab.client.models import Reply

DatasetKind = Literal["builtin", "uploaded"]


class DatasetInfo(Reply):
    """A dataset."""

    # Columns of a list that is shown; its table has all fields.
    at_a_glance: ClassVar[tuple[str, ...]] = (
        "kind",
        "name",
        "n",
        "n_features",
        "n_classes",
        "available",
        "id",
    )

    kind: DatasetKind = Field(description="Whether it is built in or uploaded.")
    id: str | None = Field(None, description="Id of an uploaded dataset; else None.")
    name: str = Field(
        description="As in dataset.name; what its owner calls it where it is uploaded."
    )
    title: str = Field(description="Title of the dataset.")
    n: int | None = Field(None, description="Rows of an uploaded dataset; else None.")
    n_features: int = Field(description="Features per example.")
    n_classes: int | None = Field(
        None, description="Number of classes; None for regression or without a target."
    )
    image_shape: list[int] | None = Field(
        None, description="Rows and columns of an image; null if the inputs are not images."
    )
    target: str | None = Field(None, description="Column of the target of an uploaded dataset.")
    tags: list[str] = Field([], description="Tags of an uploaded dataset.")
    size: int | None = Field(None, description="Bytes of the uploaded file.")
    created_at: datetime | None = Field(None, description="Time of the upload.")
    source: str = Field(description="Source of the data.")
    licence: str = Field(description="Its licence.")
    available: bool = Field(description="Whether it is available on this server.")
    reason: str | None = Field(
        None, description="Why it is not available, and how to make it available."
    )


class DatasetPage(Reply):
    """Some datasets, and where the next ones are."""

    items: list[DatasetInfo] = Field(description="The datasets.")
    next_cursor: str | None = Field(None, description="Cursor of the next page.")


class FeatureInfo(Reply):
    """One column that is not the target."""

    name: str = Field(description="Name of the column.")
    kind: str = Field(description="number, category, boolean, text, constant or id-like.")
    missing: int = Field(description="Rows without a value.")
    distinct: int = Field(description="Number of distinct values.")
    levels: list[str] | None = Field(None, description="Values of a category or boolean.")


class ClassCount(Reply):
    """One class, or one value of a category."""

    label: str = Field(description="The class.")
    count: int = Field(description="Rows of this class.")


class TargetInfo(Reply):
    """The target."""

    name: str = Field(description="Name of the column.")
    task: str = Field(description="classification or regression.")
    classes: list[ClassCount] | None = Field(None, description="Classes; None for regression.")
    minimum: float | None = Field(None, description="For regression: smallest value.")
    maximum: float | None = Field(None, description="For regression: largest value.")
    mean: float | None = Field(None, description="For regression: mean.")


class DatasetWarning(Reply):
    """What one should know of a column."""

    column: str | None = Field(None, description="The column; None where it is about rows.")
    message: str = Field(description="A sentence.")


class UploadedDataset(Reply):
    """An uploaded dataset, and what was found in it."""

    id: str = Field(description="sha256 of how the file is read and of its bytes.")
    name: str = Field(description="Name of the dataset.")
    description: str = Field(description="What it is.")
    tags: list[str] = Field(description="Tags of the dataset.")
    n: int = Field(description="Rows, with those of the test set.")
    n_features: int = Field(description="Columns other than the target.")
    features: list[FeatureInfo] = Field(description="These columns; empty for images.")
    target: TargetInfo | None = Field(None, description="The target; None if none was named.")
    image_shape: list[int] | None = Field(None, description="Shape of an image, else None.")
    test_rows: int = Field(description="Rows that the file itself sets apart as test set.")
    duplicate_rows: int = Field(description="Rows that equal an earlier one.")
    shared_rows: int | None = Field(None, description="Rows of the test set that are trained on.")
    reading: dict[str, Any] = Field(description="How the file was read.")
    warnings: list[DatasetWarning] = Field(description="What one should know before training.")
    options: dict[str, Any] = Field(description="Options of the upload.")
    size: int = Field(description="Bytes of the file.")
    created_at: datetime = Field(description="Time of the first upload.")


class Histogram(Reply):
    """Counts of the values of a column of numbers in bins of equal width."""

    edges: list[float] = Field(description="Edges of the bins, one more than counts.")
    counts: list[int] = Field(description="Rows in each bin.")
    mean: float = Field(description="Mean of the values.")
    std: float = Field(description="Standard deviation, divided by n.")


class Distribution(Reply):
    """How the values of a column are distributed."""

    name: str = Field(description="Name of the column.")
    kind: str = Field(description="Kind of the column; target for the target.")
    missing: int = Field(description="Rows without a value.")
    histogram: Histogram | None = Field(None, description="Of numbers.")
    levels: list[ClassCount] | None = Field(None, description="Of text and booleans.")


class DatasetPreview(Reply):
    """First rows and distributions of an uploaded dataset."""

    columns: list[str] = Field(description="Names of the columns of ``rows``.")
    rows: list[list[Any]] = Field(description="The first rows; None where a value is missing.")
    distributions: list[Distribution] = Field(description="One per column.")
    classes: list[ClassCount] | None = Field(None, description="Class balance of the target.")
    missing_values: int = Field(description="Missing values of all columns.")
    duplicate_rows: int = Field(description="Rows that equal an earlier one.")
    shared_rows: int | None = Field(None, description="Rows of the test set that are trained on.")
