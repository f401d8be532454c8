"""Datasets put into the database of a test as an upload does."""

from __future__ import annotations

import io

from reglab.core.storage import NewDataset
from reglab.core.tables import ReadOptions, address, describe, read_table
from tests.harness.inline import Inline


def store(inline: Inline, data: bytes, target: str | None = None) -> str:
    """Put a file into the database, as an upload does; returns its id."""
    table = read_table(data, ReadOptions())
    facts = describe(table, target)
    identifier = address(io.BytesIO(data), target, ReadOptions())
    new = NewDataset(
        id=identifier,
        name="data",
        description="",
        tags=[],
        target=target,
        options={},
        facts=facts.model_dump(mode="json"),
        preview={},
        size=len(data),
    )
    inline.storage.datasets.create(new, io.BytesIO(data), 2**30)
    return identifier
