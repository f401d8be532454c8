"""What a table holds: kinds of its columns, its target, and what one should know before training.

The facts are a pure function of the table and its target, so they are found once, at upload.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field

from reglab.core.tables.errors import TableError, shortened
from reglab.core.tables.table import Table, Task

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

Kind = Literal["number", "category", "boolean", "text", "constant", "id-like"]
# Text with more distinct values is no category.
MAX_LEVELS = 100
MAX_CLASSES = 1000
# Whole numbers with more distinct values are a target of regression.
MOST_WHOLE_CLASSES = 20
# Fewer rows show nothing by being distinct.
LEAST_IDS = 10
ID_NAME = re.compile(r"(.*[_\W])?(id|uuid|guid|key|index|row)", re.IGNORECASE)
# A class with fewer rows is told.
FEW = 10
LONGEST_LEVEL = 200


class FeatureFacts(BaseModel):
    """One column that is not the target."""

    name: str = Field(description="Name of the column.", examples=["age"])
    kind: Kind = Field(description="What it holds.", examples=["number"])
    missing: int = Field(description="Rows without a value.", examples=[3])
    distinct: int = Field(description="Number of distinct values.", examples=[71])
    levels: list[str] | None = Field(
        description=f"Sorted values of a category or boolean, at most {MAX_LEVELS}; else null.",
        examples=[["high", "low"]],
    )
    counts: list[int] | None = Field(
        description="Rows of each level, without those of the test set; else null.",
        examples=[[70, 80]],
    )


class ClassCount(BaseModel):
    """One class of the target."""

    label: str = Field(description="The class.", examples=["setosa"])
    count: int = Field(description="Rows of this class.", examples=[50])


class TargetFacts(BaseModel):
    """The target."""

    name: str = Field(description="Name of the column.", examples=["species"])
    task: Task = Field(description="What is learnt.", examples=["classification"])
    classes: list[ClassCount] | None = Field(
        description="Classes in the order of their labels; null for regression."
    )
    minimum: float | None = Field(description="For regression: smallest value.", examples=[None])
    maximum: float | None = Field(description="For regression: largest value.", examples=[None])
    mean: float | None = Field(description="For regression: mean.", examples=[None])


class Warned(BaseModel):
    """What one should know of a column."""

    column: str | None = Field(
        description="Name of the column; null where it is about rows.", examples=["zip"]
    )
    message: str = Field(description="A sentence.", examples=["It has one value in all rows."])


class TableFacts(BaseModel):
    """What a table holds."""

    n: int = Field(description="Rows, with those of the test set.", examples=[150])
    n_features: int = Field(description="Columns other than the target.", examples=[4])
    features: list[FeatureFacts] = Field(
        description="These columns in order; empty for images, whose columns are all pixels."
    )
    target: TargetFacts | None = Field(description="The target; null if none was named.")
    image_shape: list[int] | None = Field(
        description="Rows and columns, and 3 for RGB, where a row is an image.", examples=[None]
    )
    test_rows: int = Field(
        description="Rows at the end that the file itself sets apart as test set.", examples=[0]
    )
    duplicate_rows: int = Field(
        description="Rows that equal an earlier one in features and target.", examples=[1]
    )
    shared_rows: int | None = Field(
        description="Rows of the test set whose features stand in the training part too; null "
        "without a test set.",
        examples=[None],
    )
    reading: dict[str, Any] = Field(
        description="How the file was read: its format and what was found of the options.",
        examples=[{"format": "csv", "separator": ";", "decimal": ",", "encoding": "utf-8"}],
    )
    warnings: list[Warned] = Field(description="What one should know before training.")


def describe(table: Table, target: str | None = None, task: Task | None = None) -> TableFacts:
    """The facts of a table.

    Args:
        table: As read.
        target: Name of the target; that which the format names if left out.
        task: Whether the target has classes or is a number. If left out, text, booleans and whole
            numbers with at most 20 distinct values, each in two rows on average, are classes.

    Raises:
        TableError: There is no such column, or it cannot be learnt: values are missing, there is
            one class, a class with one row, or as many values as rows.
    """
    frame = table.frame
    target = target if target is not None else table.target
    if target is not None and target not in frame.columns:
        known = ", ".join(map(str, frame.columns[:20]))
        detail = "There is no such column for the target."
        raise TableError(detail, f"There are {shortened(known, 300)}.", column=target)
    warnings: list[Warned] = []
    learnt = _target(table, target, task, warnings) if target is not None else None
    names = [name for name in frame.columns if name != target]
    features: list[FeatureFacts] = []
    if table.image_shape is None:
        features = [_feature(frame[name], str(name), table.test_rows, warnings) for name in names]
    else:
        _warn_of_pixels(frame[names], warnings)
    inputs = row_digests(frame[names])
    whole = inputs if target is None else row_digests(frame[target].to_frame(), inputs)
    duplicates = len(whole) - len(set(whole.tolist()))
    shared = _shared(inputs, table.test_rows)
    _warn_of_rows(duplicates, shared, warnings)
    return TableFacts(
        n=len(frame),
        n_features=len(names),
        features=features,
        target=learnt,
        image_shape=list(table.image_shape) if table.image_shape else None,
        test_rows=table.test_rows,
        duplicate_rows=duplicates,
        shared_rows=shared,
        reading=dict(table.reading),
        warnings=warnings,
    )


def row_digests(frame: pd.DataFrame, start: NDArray[np.uint64] | None = None) -> NDArray[np.uint64]:
    """A digest of 64 bits per row, equal for equal rows; missing equals missing."""
    import pandas as pd

    digests: NDArray[np.uint64] = pd.util.hash_pandas_object(frame, index=False).to_numpy()
    return digests if start is None else digests * 1_000_003 + start


def label_of(value: Any) -> str:
    """A value of a category or class as text: whole numbers without a fraction, true, false."""
    if isinstance(value, bool) or type(value).__name__ == "bool":
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _feature(column: pd.Series, name: str, test_rows: int, warnings: list[Warned]) -> FeatureFacts:
    missing, distinct = int(column.isna().sum()), int(column.nunique())
    kind = _kind(column, name, len(column) - missing, distinct)
    levels = counts = None
    if kind in ("category", "boolean"):
        labels = column.dropna().map(label_of)
        levels = sorted(labels.unique())
        training = labels[labels.index < len(column) - test_rows]
        counts = [int(count) for count in training.value_counts().reindex(levels, fill_value=0)]
    about = {
        "constant": "It has one value in all rows, or none.",
        "id-like": "Every row has a value of its own, so it names rows; it can only be memorized.",
        "text": f"It is text with {distinct} distinct values, more than a category has.",
    }
    if kind in about:
        warnings.append(Warned(column=name, message=about[kind]))
    if missing:
        warnings.append(Warned(column=name, message=f"{missing} of {len(column)} rows have none."))
    return FeatureFacts(
        name=name, kind=kind, missing=missing, distinct=distinct, levels=levels, counts=counts
    )


def _kind(column: pd.Series, name: str, present: int, distinct: int) -> Kind:
    if distinct <= 1:
        return "constant"
    if _is_boolean(column, distinct):
        return "boolean"
    if _names_rows(column, name, present, distinct):
        return "id-like"
    if column.dtype.kind in "iuf":
        return "number"
    longest = int(column.dropna().str.len().max())
    is_category = distinct <= min(MAX_LEVELS, max(2, present // 2)) and longest <= LONGEST_LEVEL
    return "category" if is_category else "text"


def _is_boolean(column: pd.Series, distinct: int) -> bool:
    if column.dtype.kind == "b":
        return True
    return column.dtype.kind in "iuf" and distinct == 2 and set(column.dropna().unique()) == {0, 1}


def _names_rows(column: pd.Series, name: str, present: int, distinct: int) -> bool:
    """Whether its values tell rows apart: text or whole numbers without any repeated."""
    if present < LEAST_IDS or distinct < present or column.dtype.kind == "f":
        return False
    if column.dtype.kind not in "iu":
        return True
    counted = abs(int(column.iloc[-1]) - int(column.iloc[0])) == len(column) - 1
    in_order = column.is_monotonic_increasing or column.is_monotonic_decreasing
    return (counted and bool(in_order)) or ID_NAME.fullmatch(name) is not None


def _target(table: Table, name: str, task: Task | None, warnings: list[Warned]) -> TargetFacts:
    import numpy as np

    column = table.frame[name]
    if column.isna().any():
        at = int(np.flatnonzero(column.isna())[0])
        detail = f"The target is missing, as in {int(column.isna().sum())} rows."
        remedy = "Give every row a target, or leave these rows out."
        raise TableError(detail, remedy, row=at + table.first_row, column=name)
    distinct = int(column.nunique())
    if distinct == 1:
        detail = f"The target is '{shortened(label_of(column.iloc[0]))}' in all rows."
        raise TableError(detail, "Give at least two classes or values.", column=name)
    if _names_rows(column, name, len(column), distinct):
        detail = f"Each of the {len(column)} rows has a value of its own."
        raise TableError(detail, "Name a target, not what tells rows apart.", column=name)
    numeric = column.dtype.kind in "iuf"
    if task == "regression" and not numeric:
        detail = f"The target holds text or booleans, e.g. '{shortened(column.iloc[0])}'."
        raise TableError(detail, "Leave task out, or name a column of numbers.", column=name)
    if (task or _task(column, distinct)) == "regression":
        return TargetFacts(
            name=name,
            task="regression",
            classes=None,
            minimum=float(column.min()),
            maximum=float(column.max()),
            mean=float(column.astype(float).mean()),
        )
    return _classes(table, column, name, distinct, warnings)


def _task(column: pd.Series, distinct: int) -> Task:
    if column.dtype.kind not in "iuf":
        return "classification"
    whole = column.dtype.kind in "iu" or bool((column % 1 == 0).all())
    few = distinct <= min(MOST_WHOLE_CLASSES, max(2, len(column) // 2))
    return "classification" if whole and few else "regression"


def _classes(
    table: Table, column: pd.Series, name: str, distinct: int, warnings: list[Warned]
) -> TargetFacts:
    if distinct > MAX_CLASSES:
        detail = f"The target has {distinct} classes."
        raise TableError(detail, f"At most {MAX_CLASSES} are learnt.", column=name)
    counts = column.value_counts()
    known = counts if not table.test_rows else column.iloc[: -table.test_rows].value_counts()
    for value in column.unique():
        label, count = shortened(label_of(value)), int(counts[value])
        if value not in known.index:
            detail = f"The class '{label}' is in the test set alone."
            raise TableError(detail, "Give examples of it for training.", column=name)
        if count < 2:
            row = int((column == value).to_numpy().argmax()) + table.first_row
            detail = f"The class '{label}' has this row alone."
            remedy = "Give at least two rows per class, or leave this one out."
            raise TableError(detail, remedy, row=row, column=name)
        if count < FEW:
            message = f"The class '{label}' has {count} rows."
            warnings.append(Warned(column=name, message=message))
    ordered = sorted(counts.index)
    return TargetFacts(
        name=name,
        task="classification",
        classes=[ClassCount(label=label_of(value), count=int(counts[value])) for value in ordered],
        minimum=None,
        maximum=None,
        mean=None,
    )


def _shared(inputs: NDArray[np.uint64], test_rows: int) -> int | None:
    if not test_rows:
        return None
    known = set(inputs[:-test_rows].tolist())
    return sum(each in known for each in inputs[-test_rows:].tolist())


def _warn_of_pixels(pixels: pd.DataFrame, warnings: list[Warned]) -> None:
    values = pixels.to_numpy()
    constant = int((values.min(axis=0) == values.max(axis=0)).sum())
    if constant:
        message = f"{constant} of {values.shape[1]} pixels are the same in all images."
        warnings.append(Warned(column=None, message=message))


def _warn_of_rows(duplicates: int, shared: int | None, warnings: list[Warned]) -> None:
    if duplicates:
        message = f"{duplicates} rows equal an earlier one."
        warnings.append(Warned(column=None, message=message))
    if shared:
        message = f"{shared} rows of the test set stand in the training part too."
        warnings.append(Warned(column=None, message=message))
