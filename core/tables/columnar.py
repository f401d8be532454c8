"""Parquet, Feather and JSON lines, whose columns have types of their own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from reglab.core.tables.errors import TableError, shortened
from reglab.core.tables.reading import check_bytes, check_size
from reglab.core.tables.table import ReadOptions, Table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

BATCH_ROWS = 4096
CHANGED = re.compile(r".*Column\(/(.*?)\) changed from (\S+) to (\S+) in row (\d+)", re.DOTALL)


def read(data: bytes, options: ReadOptions, name: str) -> Table:
    """The table of a file; see ``read_table``."""
    import pyarrow as pa

    reader: Any = {"parquet": _parquet, "feather": _feather, "jsonl": _json_lines}[name]
    try:
        found = reader(data)
        check_size(found.num_rows, found.num_columns)
        found.validate(full=True)
    except (pa.ArrowException, OSError, KeyError, ValueError, UnicodeDecodeError) as error:
        raise _unreadable(name, str(error)) from error
    return Table(_frame(found, options), reading={"format": name})


def _parquet(data: bytes) -> pa.Table:
    import pyarrow as pa
    from pyarrow import parquet

    file = parquet.ParquetFile(pa.BufferReader(data), pre_buffer=False)
    check_size(file.metadata.num_rows, file.metadata.num_columns)
    batches = file.iter_batches(batch_size=BATCH_ROWS, use_threads=False)
    return _bounded(batches, file.schema_arrow)


def _feather(data: bytes) -> pa.Table:
    import pyarrow as pa
    from pyarrow import feather

    if data.startswith(b"FEA1"):
        return feather.read_table(pa.BufferReader(data), use_threads=False)
    # The second version is Arrow's file format.
    file = pa.ipc.open_file(pa.BufferReader(data), options=pa.ipc.IpcReadOptions(use_threads=False))
    batches = (file.get_batch(at) for at in range(file.num_record_batches))
    return _bounded(batches, file.schema)


def _json_lines(data: bytes) -> pa.Table:
    import pyarrow as pa
    from pyarrow import json

    options = json.ReadOptions(use_threads=False, block_size=max(len(data), 1))
    return json.read_json(pa.BufferReader(data), read_options=options)


def _bounded(batches: Any, schema: pa.Schema) -> pa.Table:
    """All batches, refused as soon as they are more than may be read."""
    import pyarrow as pa

    kept, size, rows = [], 0, 0
    for batch in batches:
        size, rows = size + batch.nbytes, rows + batch.num_rows
        check_bytes(size)
        check_size(rows, batch.num_columns)
        kept.append(batch)
    return pa.Table.from_batches(kept, schema)


def _frame(found: pa.Table, options: ReadOptions) -> pd.DataFrame:
    import pandas as pd

    names = [str(name) for name in found.column_names]
    columns = {
        at: _column(column.combine_chunks(), name, name in options.text)
        for at, (name, column) in enumerate(zip(names, found.columns, strict=True))
    }
    frame = pd.DataFrame(columns, copy=False)
    frame.columns = pd.Index(names, dtype=object)
    return frame


def _column(column: Any, name: str, as_text: bool) -> Any:
    """A column of the types that tables have."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_null(kind):
        return pd.Series([float("nan")] * len(column))
    if pa.types.is_decimal(kind) or pa.types.is_float16(kind):
        column = pc.cast(column, pa.float64(), safe=False)
        kind = column.type
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if as_text and not is_text and (pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        column, is_text = pc.cast(column, pa.string()), True
    if is_text or pa.types.is_string_view(kind):
        text = pd.Series(column.to_numpy(zero_copy_only=False), dtype=object)
        return text.where(text.notna() & (text.str.strip() != ""), None)
    if pa.types.is_boolean(kind):
        return column.to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return column.to_pandas()
    detail = f"Its values are of the type {shortened(kind)}."
    raise TableError(detail, "Give numbers, booleans or text.", column=name)


def _unreadable(name: str, message: str) -> TableError:
    changed = CHANGED.match(message)
    if changed:
        column, before, after, row = changed.groups()
        detail = f"Its values change from {before} to {after}."
        remedy = "Give every value of a column as one type, or null."
        return TableError(detail, remedy, row=int(row) + 1, column=column)
    detail = f"It cannot be read as {name}: {shortened(message.strip(), 200).rstrip('.')}."
    return TableError(detail, "Write the file again, or name its format in options.format.")
