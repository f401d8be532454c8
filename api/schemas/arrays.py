"""Stored arrays."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from reglab.api.schemas.base import ID


class ArrayRow(BaseModel):
    """A stored array, without its values."""

    name: str = Field(description="As in the path.", examples=["param.W0"])
    dtype: str = Field(description="Type of the values, as NumPy writes it.", examples=["<f4"])
    shape: list[int] = Field(description="Length of each axis.", examples=[[2, 64]])
    bytes: int = Field(description="Size of the values.", examples=[512])
    sha256: str = Field(description="SHA-256 of the little-endian values in C order.")


class ArrayList(BaseModel):
    """All stored arrays of a run."""

    items: list[ArrayRow] = Field(description="The arrays, sorted by name.")


class ArrayBody(ArrayRow):
    """A stored array."""

    run_id: str = Field(description="The run.", examples=[ID])
    values: Any = Field(description="Nested lists; NaN is null.", examples=[[[0.0, 0.1]]])
