"""Datasets: built-in ones, and the files that users bring."""

from __future__ import annotations

import functools
from pathlib import PurePath
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Body, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from reglab.api.access.scopes import needs
from reglab.api.context import Context, DatasetId, OwnDatasetId, Shared
from reglab.api.limits.body import check_json
from reglab.api.limits.rate import client_of
from reglab.api.problems import ProblemError, responses
from reglab.api.schemas.datasets import (
    DatasetBody,
    DatasetChange,
    DatasetList,
    DatasetRequest,
    DatasetRow,
    Kind,
)
from reglab.api.uploads import store_dataset
from reglab.core import datasets
from reglab.core.errors import FieldProblem
from reglab.core.exchange.json_text import parse
from reglab.core.tables.errors import shortened
from reglab.core.tables.preview import Preview

router = APIRouter(prefix="/datasets", tags=["datasets"])
MEDIA = "multipart/form-data"
DOCUMENT_BYTES = 2**17
FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            MEDIA: {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "string",
                            "format": "binary",
                            "description": "CSV, TSV, Parquet, Feather, JSON lines, npz, or a zip "
                            "of IDX pairs or of class folders with PNG and JPEG files.",
                        },
                        "document": {"$ref": "#/components/schemas/DatasetRequest"},
                    },
                },
                "encoding": {"document": {"contentType": "application/json"}},
            }
        },
    }
}


@router.post(
    "",
    status_code=201,
    summary="Upload a dataset",
    operation_id="upload_dataset",
    response_model=DatasetBody,
    responses={
        **responses(400, 408, 413, 415, 422, 429),
        200: {"model": DatasetBody, "description": "The same file, read the same way, is there"},
    },
    openapi_extra=FORM,
)
@needs("submit")
async def upload_dataset(request: Request, response: Response, shared: Shared) -> DatasetBody:
    """Stores a file under the sha256 of its bytes and options, completely or not at all.

    The file is read in a process of its own; what is found in it is answered.
    """
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != MEDIA:
        remedy = f"Send {MEDIA} with the parts 'file' and 'document'."
        problem = FieldProblem("Content-Type", f"Got '{kind[:60]}'.", remedy)
        raise ProblemError(415, "unsupported-media-type", "Unsupported media type", problem)
    with shared.streams.place("imports", client_of(request)):
        try:
            form = await request.form(max_files=1, max_fields=1, max_part_size=DOCUMENT_BYTES)
        except HTTPException as error:
            remedy = "Send one part 'file' with a file name, and at most one part 'document'."
            problem = FieldProblem("body", str(error.detail), remedy)
            raise ProblemError(400, "bad-form", "Bad form", problem) from error
        # Parts were written to disk as they came.
        try:
            file, asked = _parts(form, shared)
            token_id = request.state.principal.token_id
            store = functools.partial(store_dataset, shared, file.file, asked, token_id)
            record, is_new = await to_thread.run_sync(store, limiter=shared.reading)
        finally:
            await form.close()
    response.status_code = 201 if is_new else 200
    response.headers["Location"] = f"/v1/datasets/{record.id}"
    return DatasetBody.of(record)


@router.get("", summary="Datasets", operation_id="list_datasets", responses=responses(422))
@needs("read")
def list_datasets(
    shared: Shared,
    kind: Annotated[Kind | None, Query(description="Only datasets of this kind.")] = None,
    q: Annotated[
        str | None, Query(max_length=200, description="Text that the name contains.")
    ] = None,
    tag: Annotated[
        str | None, Query(max_length=64, description="Only datasets with this tag.")
    ] = None,
    limit: Annotated[
        int, Query(ge=1, le=500, description="Number of uploaded datasets per page.")
    ] = 50,
    cursor: Annotated[
        str | None, Query(max_length=200, description="The next_cursor of the previous page.")
    ] = None,
) -> DatasetList:
    """Returns the built-in datasets on the first page, then uploaded ones, the newest first."""
    items: list[DatasetRow] = []
    if kind != "uploaded" and cursor is None and tag is None:
        rows = [DatasetRow.built_in(row) for row in datasets.catalog()]
        items = [row for row in rows if not q or q.lower() in row.name.lower()]
    if kind == "builtin":
        return DatasetList(items=items, next_cursor=None)
    try:
        page = shared.storage.datasets.find(q, tag, limit, cursor)
    except ValueError as error:
        problem = FieldProblem(
            "cursor", "Not a cursor of this list.", "Use the next_cursor of a page."
        )
        raise ProblemError(422, "invalid", "Invalid request", problem) from error
    items += [DatasetRow.uploaded(record) for record in page.items]
    return DatasetList(items=items, next_cursor=page.next_cursor)


@router.get(
    "/{dataset_id}",
    summary="One uploaded dataset",
    operation_id="get_dataset",
    responses=responses(404),
)
@needs("read")
def get_dataset(shared: Shared, dataset_id: DatasetId) -> DatasetBody:
    """Returns what was found in it at the upload."""
    return DatasetBody.of(shared.storage.datasets.get(dataset_id))


@router.get(
    "/{dataset_id}/preview",
    summary="First rows and distributions",
    operation_id="preview_dataset",
    responses=responses(404),
)
@needs("read")
def preview_dataset(shared: Shared, dataset_id: DatasetId) -> Preview:
    """Returns first rows, histograms, class balance, missing, repeated and shared rows."""
    return Preview.model_validate(shared.storage.datasets.preview(dataset_id))


@router.patch(
    "/{dataset_id}",
    summary="Change name, description or tags",
    operation_id="change_dataset",
    responses=responses(400, 404, 422),
)
@needs("submit")
def change_dataset(
    shared: Shared, dataset_id: OwnDatasetId, change: Annotated[DatasetChange, Body()]
) -> DatasetBody:
    """Changes only the given fields. The data cannot be changed."""
    changed = shared.storage.datasets.change(
        dataset_id, change.name, change.description, change.tags
    )
    return DatasetBody.of(changed)


@router.delete(
    "/{dataset_id}",
    status_code=204,
    summary="Delete an uploaded dataset",
    operation_id="delete_dataset",
    responses=responses(404, 409, 422),
)
@needs("submit")
def delete_dataset(
    shared: Shared,
    dataset_id: OwnDatasetId,
    force: Annotated[
        bool, Query(description="Delete it although experiments use it; their results stay.")
    ] = False,
) -> Response:
    """Refused while experiments use it, unless forced."""
    shared.storage.datasets.delete(dataset_id, force)
    return Response(status_code=204)


def _parts(form: FormData, shared: Context) -> tuple[UploadFile, DatasetRequest]:
    """The file, and the document with the file's name where none is given."""
    unknown = sorted(set(form) - {"file", "document"})
    file, text = form.get("file"), form.get("document", "{}")
    if unknown or not isinstance(file, UploadFile) or not isinstance(text, str):
        field = shortened(unknown[0]) if unknown else "file"
        detail = "There is no such part." if unknown else "The part is missing or has no file name."
        remedy = "Send a part 'file' with a file name, and a part 'document' without one."
        raise ProblemError(422, "invalid", "Invalid request", FieldProblem(field, detail, remedy))
    encoded = text.encode("utf-8", "surrogatepass")
    check_json(encoded, shared.limits)
    try:
        asked = DatasetRequest.model_validate(parse(encoded))
    except ValidationError as error:
        items = [{**item, "loc": ("body", *item["loc"])} for item in error.errors()]
        raise RequestValidationError(items) from error
    except (ValueError, RecursionError) as error:
        problem = FieldProblem("document", f"It is not JSON: {error}.", "Send one JSON object.")
        raise ProblemError(400, "bad-json", "Bad JSON", problem) from error
    name = shortened(PurePath(file.filename or "").name, 200).strip()
    return file, asked.model_copy(update={"name": asked.name or name or "dataset"})
