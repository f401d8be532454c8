"""Bytes of a file as a table: the format is found from the content, not from a name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from reglab.core.tables.errors import TableError, shortened
from reglab.core.tables.table import (
    MAX_COLUMNS,
    MAX_UNPACKED,
    MAX_VALUES,
    Format,
    ReadOptions,
    Table,
)

if TYPE_CHECKING:
    from pandas import Series

MAGIC: dict[bytes, Format] = {b"PAR1": "parquet", b"ARROW1": "feather", b"FEA1": "feather"}
ZIP = b"PK\x03\x04"
READERS = {
    "csv": "delimited",
    "parquet": "columnar",
    "feather": "columnar",
    "jsonl": "columnar",
    "npz": "arrays",
    "idx": "idx_pairs",
    "images": "pictures",
}


def read_table(data: bytes, options: ReadOptions | None = None) -> Table:
    """The table of a file.

    Args:
        data: Content of the file. Text: CSV or TSV with one header row, or JSON lines. Binary:
            Parquet, Feather, an ``npz`` of numpy with X, y and perhaps X_test, y_test, a zip of IDX
            pairs, or a zip of PNG or JPEG files in one folder per class (below ``train`` and
            ``test`` where both are given).
        options: What is not to be found from the content.

    Returns:
        At least two rows and two columns; every number is finite or, in a table, missing.

    Raises:
        TableError: It cannot be read, or is no table of numbers, booleans and text; row and column
            are named.
    """
    options = options or ReadOptions()
    if not data:
        raise TableError("The file is empty.", "Give a file with a header and rows.")
    found = options.format or format_of(data)
    reader: Any = import_module(f"reglab.core.tables.{READERS[found]}")
    try:
        table: Table = reader.read(data, options, found)
    except MemoryError as error:
        raise TableError("Reading it takes too much memory.", "Give a smaller file.") from error
    _check(table)
    return table


def format_of(data: bytes) -> Format:
    """The format of a file by its first bytes, and by the members of an archive."""
    for start, found in MAGIC.items():
        if data.startswith(start):
            return found
    if data.startswith(ZIP):
        return _format_of_zip(data)
    text = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    return "jsonl" if text.startswith((b"{", b"[")) else "csv"


def check_size(rows: int, columns: int) -> None:
    """Refuse a table of more values than are read; called before they are."""
    if columns > MAX_COLUMNS:
        raise TableError(f"It has {columns} columns.", f"At most {MAX_COLUMNS} are read.")
    if rows * columns > MAX_VALUES:
        raise TableError(
            f"It has {rows} rows of {columns} columns.", f"At most {MAX_VALUES} values are read."
        )


def check_bytes(size: int) -> None:
    """Refuse what takes more bytes once unpacked than are read."""
    if size > MAX_UNPACKED:
        raise TableError(f"It has {size} bytes once unpacked.", f"At most {MAX_UNPACKED} are read.")


def _format_of_zip(data: bytes) -> Format:
    from reglab.core.tables import zips

    with zips.opened(data) as archive:
        members = zips.names(archive)
    if any(name.endswith(".npy") for name in members):
        return "npz"
    if any("ubyte" in name for name in members):
        return "idx"
    return "images"


def _check(table: Table) -> None:
    """What holds for every format."""
    frame = table.frame
    names = [str(name) for name in frame.columns]
    for at, name in enumerate(names):
        if not name.strip() or len(name) > 200:
            detail = f"Column {at + 1} has the name '{shortened(name)}'."
            raise TableError(detail, "Names have 1 to 200 characters.", column=name)
    repeated = (
        next((name for name in names if names.count(name) > 1), None)
        if (len(set(names)) < len(names))
        else None
    )
    if repeated is not None:
        raise TableError("Two columns have this name.", "Name each column once.", column=repeated)
    if len(frame) < 2:
        detail = f"It has {len(frame)} rows of data." if len(frame) != 1 else "It has one row."
        raise TableError(detail, "Give at least two rows below the header.")
    if len(names) < 2:
        remedy = "Give a target and at least one feature; name the separator if it was not found."
        raise TableError("It has one column.", remedy)
    check_size(len(frame), len(names))
    if table.image_shape is None:
        for name in frame.columns:
            _check_finite(frame[name], table.first_row)


def _check_finite(column: Series, first_row: int) -> None:
    import numpy as np

    if column.dtype.kind != "f":
        return
    infinite = np.flatnonzero(np.isinf(column.to_numpy()))
    if infinite.size:
        raise TableError(
            f"The number is infinite, as {infinite.size} of this column are.",
            "Leave it empty where it is not known.",
            row=int(infinite[0]) + first_row,
            column=str(column.name),
        )
