"""Tables as JSON, CSV or Parquet."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

import numpy as np
from arro3.core import Array, DataType, Table
from arro3.io import write_csv, write_parquet
from fastapi import Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

Format = Literal["json", "csv", "parquet"]
Binary = Literal["json", "npz"]
NPZ: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/x-npz": {"schema": {"type": "string", "format": "binary"}}}}
}
# Values that are written at once: a few milliseconds.
PIECE = 20_000
Columns = Mapping[str, Sequence[Any] | np.ndarray[Any, Any]]
MEDIA = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}


def file_response(columns: Columns, kinds: Mapping[str, str], form: Format, name: str) -> Response:
    """Columns, of types as in ``from_columns``, as a CSV or Parquet download."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    if form == "csv":
        pieces = csv_pieces(columns, kinds)
        return StreamingResponse(pieces, media_type=MEDIA[form], headers=headers)
    sink = io.BytesIO()
    write_parquet(from_columns(columns, kinds), sink, compression="snappy")
    return Response(sink.getvalue(), media_type=MEDIA[form], headers=headers)


def csv_pieces(columns: Columns, kinds: Mapping[str, str]) -> Iterator[bytes]:
    """Piece by piece: while one is written, no other thread of the server goes on."""
    height = max((len(values) for values in columns.values()), default=0)
    for start in range(0, max(height, 1), PIECE):
        part = {name: values[start : start + PIECE] for name, values in columns.items()}
        sink = io.BytesIO()
        write_csv(from_columns(part, kinds), sink)
        # No name of a column has a line feed.
        yield sink.getvalue() if start == 0 else sink.getvalue().partition(b"\n")[2]


def json_response(document: Mapping[str, Any]) -> StreamingResponse:
    """A document with arrays of any size; NaN is null."""
    return StreamingResponse(json_pieces(document), media_type="application/json")


def json_pieces(value: Any) -> Iterator[bytes]:
    """As JSON text, piece by piece: half a million values as objects take ten times as much."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = without_nan(value.reshape(1))[0]
    if isinstance(value, np.ndarray):
        width = max(1, value[:1].size)
        step = max(1, PIECE // width)
        yield b"["
        for start in range(0, len(value), step):
            plain = without_nan(value[start : start + step])
            yield (b", " if start else b"") + json.dumps(plain)[1:-1].encode()
        yield b"]"
    elif isinstance(value, Mapping):
        for at, (name, child) in enumerate(value.items()):
            yield f"{', ' if at else '{'}{json.dumps(name)}: ".encode()
            yield from json_pieces(child)
        yield b"}" if value else b"{}"
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        for at, child in enumerate(value):
            yield b", " if at else b"["
            yield from json_pieces(child)
        yield b"]"
    elif isinstance(value, list) and len(value) > PIECE:
        for start in range(0, len(value), PIECE):
            text = json.dumps(value[start : start + PIECE], allow_nan=False)
            yield (b", " if start else b"[") + text[1:-1].encode()
        yield b"]"
    else:
        yield json.dumps(value, allow_nan=False).encode()


def without_nan(values: np.ndarray[Any, Any]) -> list[Any]:
    """JSON has no NaN."""
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        plain = values.astype(object)
        plain[~np.isfinite(values)] = None
        values = plain
    return list(values.tolist())


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


def from_columns(columns: Columns, kinds: Mapping[str, str]) -> Table:
    """A table of named columns, each of the declared type whatever its values are.

    Args:
        columns: Values by name; None is null.
        kinds: ``int``, ``float``, ``bool`` or ``str`` by name.
    """
    return Table.from_pydict(
        {name: _array(values, KINDS[kinds[name]]()) for name, values in columns.items()}
    )


def kind_of(values: np.ndarray[Any, Any]) -> str:
    """The type of an array's column."""
    return {"f": "float", "b": "bool"}.get(values.dtype.kind, "int")


def from_rows(
    rows: Sequence[BaseModel], model: type[BaseModel]
) -> tuple[dict[str, list[Any]], dict[str, str]]:
    """Columns of records, and their types; those of the model also where there are none.

    Lists and objects become JSON text.
    """
    kinds = {name: _kind(field.annotation) for name, field in model.model_fields.items()}
    columns = {name: [_cell(getattr(row, name)) for row in rows] for name in kinds}
    return columns, kinds


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
