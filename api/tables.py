"""Tables as JSON, CSV or Parquet."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

import numpy as np
from arro3.core import Array, DataType, Table
from arro3.io import write_csv, write_parquet
from fastapi import Response
from pydantic import BaseModel

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


# Types of columns by the name of the field's type in Python.
KINDS = {
    "int": DataType.int64,
    "float": DataType.float64,
    "bool": DataType.bool,
    "str": DataType.utf8,
}


def from_columns(
    columns: Mapping[str, Sequence[Any] | np.ndarray[Any, Any]], kinds: Mapping[str, str]
) -> Table:
    """A table of named columns, each of the declared type whatever its values are.

    Args:
        columns: Values by name; None is null.
        kinds: ``int``, ``float``, ``bool`` or ``str`` by name.
    """
    return Table.from_pydict(
        {name: _array(values, KINDS[kinds[name]]()) for name, values in columns.items()}
    )


def from_rows(rows: Sequence[BaseModel], model: type[BaseModel]) -> Table:
    """A table of records, with the columns of their model also where there are none.

    Lists and objects become JSON text.
    """
    kinds = {name: _kind(field.annotation) for name, field in model.model_fields.items()}
    columns = {name: [_cell(getattr(row, name)) for row in rows] for name in kinds}
    return from_columns(columns, kinds)


def _kind(annotation: Any) -> str:
    parts = [part for part in get_args(annotation) or (annotation,) if part is not type(None)]
    name = parts[0].__name__ if len(parts) == 1 and isinstance(parts[0], type) else ""
    return name if get_origin(annotation) is not dict and name in KINDS else "str"


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict | list) else value


def _array(values: Sequence[Any] | np.ndarray[Any, Any], kind: DataType) -> Array:
    if isinstance(values, np.ndarray) and values.dtype.kind in "iuf":
        # Without a Python object per value.
        wide = values.astype(np.float64 if kind == DataType.float64() else np.int64)
        return Array(np.ascontiguousarray(wide))
    return Array(values.tolist() if isinstance(values, np.ndarray) else list(values), kind)
