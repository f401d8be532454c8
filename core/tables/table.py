"""What a file is once it is read, and how much it may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from pandas import DataFrame

Format = Literal["csv", "parquet", "feather", "jsonl", "npz", "idx", "images"]
Encoding = Literal["utf-8", "utf-16", "windows-1252", "iso-8859-1", "iso-8859-15"]
Task = Literal["classification", "regression"]

LARGEST_IMAGE = 64
# Pixels of the largest RGB image, and the target.
MAX_COLUMNS = 3 * LARGEST_IMAGE**2 + 1
# MNIST, 70,000 images of 784 pixels and a label, has 55 million.
MAX_VALUES = 64_000_000
MAX_UNPACKED = 512 * 2**20


class ReadOptions(BaseModel):
    """How a file is to be read; what is left out is found from its content."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Format | None = Field(None, description="Format of the file.", examples=["csv"])
    separator: Literal[",", ";", "\t", "|"] | None = Field(
        None, description="Separator of the columns of a text file.", examples=[";"]
    )
    decimal: Literal[".", ","] | None = Field(
        None, description="Decimal mark of a text file.", examples=[","]
    )
    encoding: Encoding | None = Field(
        None, description="Encoding of a text file.", examples=["windows-1252"]
    )
    header: bool = Field(
        True, description="Whether the first row of a text file names the columns."
    )
    text: tuple[str, ...] = Field(
        (), max_length=1000, description="Columns that are text even where they look like numbers."
    )
    task: Task | None = Field(
        None, description="Whether the target has classes or is a number.", examples=["regression"]
    )
    image_size: int | None = Field(
        None, ge=1, le=LARGEST_IMAGE, description="Rows and columns to which images are resized."
    )
    colour: Literal["grey", "rgb"] | None = Field(
        None, description="Whether images are grey or have three channels.", examples=["grey"]
    )


@dataclass(frozen=True)
class Table:
    """Rows of features and a target.

    Attributes:
        frame: One column per feature, and the target. Numbers are integers or floats with NaN where
            one is missing, booleans are ``boolean``, text is ``object`` with None where it is
            missing. Pixels are uint8 columns p0, p1, ... in the order rows, columns, channels.
        image_shape: (rows, columns) or (rows, columns, 3) where a row is an image, else None.
        test_rows: Rows at the end that the file itself sets apart as test set.
        reading: How it was read: the format and what was found of its options.
        target: Name of the target's column, as the format or the user names it; else None.
        first_row: Number of the first row of the frame in the file.
    """

    frame: DataFrame
    image_shape: tuple[int, ...] | None = None
    test_rows: int = 0
    reading: Mapping[str, Any] = field(default_factory=dict)
    target: str | None = None
    first_row: int = 1

    def with_target(self, name: str) -> Table:
        """The same table with another target."""
        return replace(self, target=name)
