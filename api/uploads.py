"""Storing the files that users bring."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import IO

from reglab.api.context import Context
from reglab.api.limits.refusals import refusal
from reglab.api.schemas.datasets import DatasetRequest
from reglab.core.storage import DatasetRecord, NewDataset, QuotaExceededError
from reglab.core.tables import address


def store_dataset(
    shared: Context, content: IO[bytes], asked: DatasetRequest, token_id: str | None
) -> tuple[DatasetRecord, bool]:
    """Read a file in a process of its own, and store it with what is found.

    Args:
        shared: The server.
        content: The file.
        asked: Name, target and options.
        token_id: Whose it will be.

    Returns:
        The dataset, and False if it was stored already.

    Raises:
        TableError: The file cannot be used.
        ProblemError: It, or all datasets together, are larger than they may be.
    """
    size = content.seek(0, 2)
    if size > shared.limits.dataset_bytes:
        remedy = f"Send at most {shared.limits.dataset_bytes} bytes."
        raise refusal(shared.limits, "dataset_bytes", "file", f"The file has {size} bytes.", remedy)
    identifier = address(content, asked.target, asked.options)
    known = shared.storage.datasets.known(identifier)
    if known is not None:
        return known, False
    with tempfile.NamedTemporaryFile(prefix="reglab-upload-") as copy:
        content.seek(0)
        shutil.copyfileobj(content, copy)
        copy.flush()
        read = shared.tables.read(Path(copy.name), asked.target, asked.options)
    new = NewDataset(
        id=identifier,
        name=asked.name or "",
        description=asked.description,
        tags=list(asked.tags),
        target=asked.target,
        options=asked.options.model_dump(mode="json", exclude_defaults=True),
        facts=read.facts.model_dump(mode="json"),
        preview=read.preview.model_dump(mode="json"),
        size=size,
        token_id=token_id,
    )
    try:
        return shared.storage.datasets.create(new, content, shared.limits.datasets_bytes)
    except QuotaExceededError as error:
        detail = f"With this all datasets would have {error.found:.0f} bytes."
        remedy = "Delete datasets that you do not need."
        raise refusal(shared.limits, error.name, "file", detail, remedy) from error
