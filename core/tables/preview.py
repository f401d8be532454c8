"""What one looks at before training: first rows, distributions, class balance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from reglab.core.tables.facts import ClassCount, FeatureFacts, TableFacts, label_of
from reglab.core.tables.table import Table

if TYPE_CHECKING:
    import pandas as pd

FIRST_ROWS = 20
# Columns of the first rows, and those with a distribution.
MOST_COLUMNS = 100
BINS = 20
MOST_LEVELS = 20
LONGEST_TEXT = 100


class Histogram(BaseModel):
    """Counts of the values of a column of numbers in bins of equal width."""

    edges: list[float] = Field(description="Edges of the bins, one more than counts.")
    counts: list[int] = Field(description="Rows in each bin.")
    mean: float = Field(description="Mean of the values.", examples=[5.8])
    std: float = Field(description="Standard deviation, divided by n.", examples=[0.8])


class Distribution(BaseModel):
    """How the values of a column are distributed."""

    name: str = Field(description="Name of the column.", examples=["age"])
    kind: str = Field(description="Kind of the column; target for the target.", examples=["number"])
    missing: int = Field(description="Rows without a value.", examples=[0])
    histogram: Histogram | None = Field(description="Of numbers; else null.")
    levels: list[ClassCount] | None = Field(
        description=f"The most frequent values of text and booleans, at most {MOST_LEVELS}."
    )


class Preview(BaseModel):
    """A look at a dataset."""

    columns: list[str] = Field(
        description=f"Names of the columns of `rows`: the first {MOST_COLUMNS}, and the target."
    )
    rows: list[list[str | float | bool | None]] = Field(
        description=f"The first {FIRST_ROWS} rows; null where a value is missing."
    )
    distributions: list[Distribution] = Field(description="One per column.")
    classes: list[ClassCount] | None = Field(
        description="Class balance of the target; null for regression or without a target."
    )
    missing_values: int = Field(description="Missing values of all columns.", examples=[3])
    duplicate_rows: int = Field(description="Rows that equal an earlier one.", examples=[1])
    shared_rows: int | None = Field(
        description="Rows of the test set that stand in the training part too; null without a "
        "test set.",
        examples=[None],
    )


def preview(table: Table, facts: TableFacts) -> Preview:
    """The preview of a table with these facts."""
    frame, target = table.frame, facts.target.name if facts.target else None
    features = [name for name in frame.columns if name != target][:MOST_COLUMNS]
    names = features + ([target] if target is not None else [])
    kinds = {feature.name: feature for feature in facts.features}
    first = frame[names].head(FIRST_ROWS)
    columns = [[_cell(value) for value in first[name]] for name in names]
    return Preview(
        columns=[str(name) for name in names],
        rows=[list(row) for row in zip(*columns, strict=True)],
        distributions=[
            _distribution(frame[name], str(name), kinds.get(name), name == target) for name in names
        ],
        classes=facts.target.classes if facts.target else None,
        missing_values=int(frame.isna().to_numpy().sum()),
        duplicate_rows=facts.duplicate_rows,
        shared_rows=facts.shared_rows,
    )


def _distribution(
    column: pd.Series, name: str, feature: FeatureFacts | None, is_target: bool
) -> Distribution:
    kind = "target" if is_target else feature.kind if feature else "number"
    present = column.dropna()
    histogram = levels = None
    if len(present) and column.dtype.kind in "iuf":
        histogram = _histogram(present)
    elif len(present):
        counts = present.value_counts()
        ordered = sorted(counts.items(), key=lambda each: (-each[1], str(each[0])))
        levels = [
            ClassCount(label=str(_cell(value)), count=int(count))
            for value, count in ordered[:MOST_LEVELS]
        ]
    return Distribution(
        name=name,
        kind=kind,
        missing=len(column) - len(present),
        histogram=histogram,
        levels=levels,
    )


def _histogram(values: pd.Series) -> Histogram | None:
    import numpy as np

    numbers = values.to_numpy(dtype=np.float64)
    low, high = float(numbers.min()), float(numbers.max())
    # Of widths that no number can tell nothing is counted.
    if not np.isfinite(high - low) or (high > low and low + (high - low) / BINS == low):
        return None
    counts, edges = np.histogram(numbers, BINS)
    with np.errstate(over="ignore"):
        mean, std = float(numbers.mean()), float(numbers.std())
    if not (np.isfinite(mean) and np.isfinite(std)):
        return None
    return Histogram(edges=edges.tolist(), counts=counts.tolist(), mean=mean, std=std)


def _cell(value: Any) -> str | float | bool | None:
    """A value as JSON has it, long text cut."""
    import pandas as pd

    if pd.isna(value):
        return None
    if isinstance(value, str):
        return value if len(value) <= LONGEST_TEXT else f"{value[: LONGEST_TEXT - 3]}..."
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        return bool(value)
    return float(value) if float(value) != int(float(value)) else int(label_of(float(value)))
