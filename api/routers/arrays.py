"""Every stored array of a finished run, by name."""

from __future__ import annotations

import io
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Path, Query, Request, Response

from reglab.api import etags, tables
from reglab.api.access.scopes import needs
from reglab.api.context import RunId, Shared, check_finished
from reglab.api.limits.refusals import check_values
from reglab.api.limits.work import heavy
from reglab.api.problems import not_found, responses
from reglab.api.schemas.arrays import ArrayBody, ArrayList, ArrayRow

Form = Literal["json", "npy", "parquet"]
FORM = "JSON, NumPy's npy, or Parquet with one row per entry and its position in axis0, axis1, ..."
NPY = "application/x-npy"
BINARY = {"schema": {"type": "string", "format": "binary"}}

router = APIRouter(prefix="/runs/{run_id}/arrays", tags=["runs"])


@router.get("", summary="Stored arrays", operation_id="list_arrays", responses=responses(404, 409))
@needs("read")
def list_arrays(shared: Shared, run_id: RunId) -> ArrayList:
    """Returns the name, dtype, shape and checksum of every stored array of the run."""
    check_finished(shared, run_id)
    rows = shared.storage.results.array_records(run_id)
    return ArrayList(items=[ArrayRow(**row.document()) for row in rows])


@router.get(
    "/{name}",
    summary="A stored array",
    operation_id="get_array",
    response_model=ArrayBody,
    responses={
        **responses(404, 409, 422),
        200: {"content": {NPY: BINARY, tables.MEDIA["parquet"]: BINARY}},
        304: {"description": "Not modified"},
    },
)
@needs("read")
@heavy
def get_array(
    request: Request,
    shared: Shared,
    run_id: RunId,
    name: Annotated[str, Path(description="As listed.", examples=["param.W0"])],
    form: Annotated[Form, Query(alias="format", description=FORM)] = "json",
) -> Any:
    """Returns the array as it is stored.

    A known ETag is answered with 304. In JSON, NaN is null.
    """
    check_finished(shared, run_id)
    records = {row.name: row for row in shared.storage.results.array_records(run_id)}
    if name not in records:
        raise not_found("array", name, f"Known: {', '.join(records)}.")
    record = records[name]
    tag = f"{record.sha256}-{form}"
    known = etags.not_modified(request, tag)
    if known is not None:
        return known
    if form != "npy":
        remedy = "Ask for format=npy, which holds any number."
        check_values(shared.limits, record.size, "format", remedy)
    values, headers = shared.storage.results.array(run_id, name), etags.headers(tag)
    if form == "npy":
        sink = io.BytesIO()
        np.save(sink, values, allow_pickle=False)
        headers["Content-Disposition"] = f'attachment; filename="{name}-{run_id}.npy"'
        return Response(sink.getbuffer(), media_type=NPY, headers=headers)
    if form == "parquet":
        columns, kinds = _long(values)
        reply = tables.file_response(columns, kinds, form, f"{name}-{run_id}")
    else:
        document = record.document() | {"run_id": run_id, "values": values}
        reply = tables.json_response(document)
    reply.headers.update(headers)
    return reply


def _long(values: np.ndarray[Any, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """One row per entry: its position along each axis, and its value."""
    positions = np.indices(values.shape).reshape(values.ndim, values.size)
    columns = {f"axis{axis}": positions[axis] for axis in range(values.ndim)}
    kinds = dict.fromkeys(columns, "int") | {"value": tables.kind_of(values)}
    return {**columns, "value": values.reshape(-1)}, kinds
