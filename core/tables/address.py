"""The id of a dataset: a digest of how its file is read and of the file's bytes."""

from __future__ import annotations

import hashlib
import json
from typing import IO, Any

from reglab.core.tables.errors import TableError
from reglab.core.tables.table import ReadOptions

PREFIX = "sha256:"


def head(target: str | None, options: ReadOptions) -> bytes:
    """What stands before the bytes of the file: one line of JSON, the same for equal options."""
    told: dict[str, Any] = options.model_dump(mode="json", exclude_defaults=True)
    document = {"options": told, "target": target}
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def address(file: IO[bytes], target: str | None, options: ReadOptions) -> str:
    """The id ``sha256:<64 hex>`` of a file that is read so."""
    digest = hashlib.sha256(head(target, options))
    file.seek(0)
    while piece := file.read(2**20):
        digest.update(piece)
    return PREFIX + digest.hexdigest()


def unpack(identifier: str, packed: bytes) -> tuple[bytes, str | None, ReadOptions]:
    """The bytes, target and options of a file behind its ``head``.

    Raises:
        TableError: They are not those of this id.
    """
    if PREFIX + hashlib.sha256(packed).hexdigest() != identifier:
        detail = f"The stored bytes of {identifier} are damaged: their sha256 is another."
        raise TableError(detail, "Restore a backup, or upload the file again.")
    line, _, data = packed.partition(b"\n")
    document = json.loads(line)
    return data, document["target"], ReadOptions.model_validate(document["options"])
