"""Tables as JSON, CSV or Parquet."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from fastapi import Response

Format = Literal["json", "csv", "parquet"]
MEDIA = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}


def file_response(table: pa.Table, form: Format, name: str) -> Response:
    """The table as a CSV or Parquet download."""
    sink = pa.BufferOutputStream()
    if form == "csv":
        pyarrow.csv.write_csv(table, sink)
    else:
        pyarrow.parquet.write_table(table, sink)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    return Response(sink.getvalue().to_pybytes(), media_type=MEDIA[form], headers=headers)


def from_columns(columns: Mapping[str, Sequence[Any] | np.ndarray[Any, Any]]) -> pa.Table:
    """A table from named columns."""
    return pa.table({name: pa.array(values) for name, values in columns.items()})


def from_rows(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """A table from records; nested values become JSON text."""
    flat = [
        {k: json.dumps(v) if isinstance(v, dict | list) else v for k, v in row.items()}
        for row in rows
    ]
    return pa.Table.from_pylist(flat)
