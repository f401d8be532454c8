"""Tables as JSON, CSV or Parquet."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from arro3.core import Array, DataType, Table
from arro3.io import write_csv, write_parquet
from fastapi import Response

Format = Literal["json", "csv", "parquet"]
Binary = Literal["json", "npz"]
NPZ: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/x-npz": {"schema": {"type": "string", "format": "binary"}}}}
}
MEDIA = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}


def file_response(table: Table, form: Format, name: str) -> Response:
    """The table as a CSV or Parquet download."""
    sink = io.BytesIO()
    if form == "csv":
        write_csv(table, sink)
    else:
        write_parquet(table, sink, compression="snappy")
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    return Response(sink.getvalue(), media_type=MEDIA[form], headers=headers)


def npz_response(arrays: Mapping[str, np.ndarray[Any, Any]], name: str) -> Response:
    """The arrays as a download for ``numpy.load``."""
    sink = io.BytesIO()
    np.savez(sink, allow_pickle=False, **arrays)
    headers = {"Content-Disposition": f'attachment; filename="{name}.npz"'}
    return Response(sink.getbuffer(), media_type="application/x-npz", headers=headers)


def from_columns(columns: Mapping[str, Sequence[Any] | np.ndarray[Any, Any]]) -> Table:
    """A table from named columns."""
    return Table.from_pydict({name: _array(values) for name, values in columns.items()})


def from_rows(rows: Sequence[Mapping[str, Any]]) -> Table:
    """A table from records; nested values become JSON text."""
    flat = [
        {k: json.dumps(v) if isinstance(v, dict | list) else v for k, v in row.items()}
        for row in rows
    ]
    return from_columns({name: [row[name] for row in flat] for name in (flat[0] if flat else ())})


def _array(values: Sequence[Any] | np.ndarray[Any, Any]) -> Array:
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
        return Array(np.ascontiguousarray(values))
    there = [value for value in values if value is not None]
    if any(isinstance(value, str) for value in there):
        kind = DataType.utf8()
    elif all(isinstance(value, bool) for value in there):
        kind = DataType.bool()
    elif all(isinstance(value, int) for value in there):
        kind = DataType.int64()
    else:
        kind = DataType.float64()
    return Array([None if value is None else value for value in values], kind)
