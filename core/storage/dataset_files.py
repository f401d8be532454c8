"""Copies of uploaded datasets in a folder of this machine: fetched once, verified at each read."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from reglab.core.storage.datasets import DatasetRecord, Datasets
from reglab.core.tables import ReadOptions, Table, TableError, read_table
from reglab.core.tables.address import PREFIX, head, unpack

# Bytes of all copies together; those that were used longest ago go.
KEPT_BYTES = 2 * 2**30


def packed_bytes(datasets: Datasets, record: DatasetRecord) -> bytes:
    """The line of JSON and the bytes whose sha256 is the dataset's id."""
    options = ReadOptions.model_validate(record.options)
    return head(record.target, options) + b"".join(datasets.chunks(record.id))


class DatasetFiles:
    """The files of datasets, for a process that trains.

    Args:
        datasets: Where they are stored.
        folder: Where copies are kept; made at the first one.
    """

    def __init__(self, datasets: Datasets, folder: Path) -> None:
        self._datasets, self._folder = datasets, folder

    def read(self, identifier: str) -> tuple[bytes, str | None, ReadOptions]:
        """The bytes of the file, its target and how it is read.

        Raises:
            NotFoundError: There is no such dataset.
            TableError: The stored bytes are not those of this id.
        """
        path = self._folder / identifier.removeprefix(PREFIX)
        with contextlib.suppress(OSError, TableError):
            # A damaged copy is fetched anew.
            found = unpack(identifier, path.read_bytes())
            os.utime(path)
            return found
        packed = packed_bytes(self._datasets, self._datasets.get(identifier))
        found = unpack(identifier, packed)
        self._keep(path, packed)
        return found

    def table(self, identifier: str) -> Table:
        """The table of a dataset, its target filled in; raises as ``read`` does."""
        data, target, options = self.read(identifier)
        table = read_table(data, options)
        return table if target is None else table.with_target(target)

    def _keep(self, path: Path, packed: bytes) -> None:
        """Store a copy, which appears whole or not at all; without room there is none."""
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._make_room(len(packed))
            handle, name = tempfile.mkstemp(dir=self._folder, prefix=".part-")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(packed)
                Path(name).replace(path)
            finally:
                Path(name).unlink(missing_ok=True)

    def _make_room(self, size: int) -> None:
        copies = sorted(
            ((found.stat(), found) for found in self._folder.iterdir()),
            key=lambda each: each[0].st_mtime,
        )
        excess = sum(stat.st_size for stat, _ in copies) + size - KEPT_BYTES
        for stat, found in copies:
            if excess <= 0:
                return
            found.unlink(missing_ok=True)
            excess -= stat.st_size
