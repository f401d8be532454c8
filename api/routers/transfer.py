"""One experiment as a portable file: export, and import into another server."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator
from typing import IO, Annotated, Literal

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from reglab import __version__
from reglab.api.access.scopes import needs
from reglab.api.archived_datasets import archived, insert
from reglab.api.context import Context, ExperimentId, Shared
from reglab.api.limits.rate import client_of
from reglab.api.limits.refusals import refusal
from reglab.api.limits.work import drawing
from reglab.api.problems import ProblemError, responses
from reglab.api.routers.pooled import finished_runs, pictures, stamp_of
from reglab.api.schemas.experiments import ExperimentBody
from reglab.core.errors import FieldProblem
from reglab.core.exchange import archive, checks
from reglab.core.figures import REGISTRY
from reglab.core.settings.limits import Limits
from reglab.core.storage import AlreadyStoredError
from reglab.core.submission.service import within_quota

router = APIRouter(prefix="/experiments", tags=["experiments"])
MEDIA = "application/zip"
IN_MEMORY = 2**24
PIECE = 2**16
BODY = {
    "requestBody": {
        "required": True,
        "content": {MEDIA: {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get(
    "/{experiment_id}/export",
    summary="Export an experiment as one file",
    operation_id="export_experiment",
    response_class=Response,
    responses={
        **responses(404, 409),
        200: {
            "description": "A zip archive of JSON, npz and PNG files with a manifest of their "
            "checksums",
            "content": {MEDIA: {"schema": {"type": "string", "format": "binary"}}},
        },
    },
)
@needs("read")
@drawing
def export_experiment(
    shared: Shared,
    experiment_id: ExperimentId,
    data: Annotated[
        Literal["file", "hash"],
        Query(description="Whether an uploaded dataset is in the file, or its hash alone."),
    ] = "file",
) -> Response:
    """The file holds the spec, runs, curves, arrays, figures and dataset, each with its SHA-256.

    The experiment must have ended.
    """
    exported = shared.storage.transfer.export(experiment_id)
    dataset = archived(shared, exported.experiment["spec"]) if data == "file" else None
    figures = _figures(shared, experiment_id)
    full = archive.Archive(exported.experiment, exported.runs, figures, dataset)
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
    archive.write(full, file, __version__)
    size = file.tell()
    file.seek(0)
    headers = {
        "Content-Disposition": f'attachment; filename="reglab-{experiment_id}.zip"',
        "Content-Length": str(size),
    }
    return StreamingResponse(_pieces(file), media_type=MEDIA, headers=headers)


@router.post(
    "/import",
    status_code=201,
    summary="Import an exported experiment",
    operation_id="import_experiment",
    response_model=ExperimentBody,
    responses=responses(409, 413, 415, 422),
    openapi_extra=BODY,
)
@needs("submit")
async def import_experiment(request: Request, response: Response, shared: Shared) -> ExperimentBody:
    """Stores an export with its ids, runs, results and dataset, completely or not at all.

    Every file is checked against the manifest's sums, the runs against the spec, and the spec
    against the dataset if the file holds it or it is stored here.
    """
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != MEDIA:
        remedy = f"Send the header Content-Type: {MEDIA}."
        problem = FieldProblem("Content-Type", f"Got '{kind[:60]}'.", remedy)
        raise ProblemError(415, "unsupported-media-type", "Unsupported media type", problem)
    with (
        shared.streams.place("imports", client_of(request)),
        tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file,
    ):
        # The size of what comes is counted, and its time measured, where bodies are read.
        async for piece in request.stream():
            file.write(piece)
        file.seek(0)
        read = functools.partial(_import, shared, file, request.state.principal.token_id)
        body = await to_thread.run_sync(read, limiter=shared.importing)
    response.headers["Location"] = f"/v1/experiments/{body.id}"
    return body


def _import(shared: Context, file: IO[bytes], token_id: str | None) -> ExperimentBody:
    limits = shared.limits
    try:
        read = archive.read(file, limits)
        _check_points(read, limits)
        checked = checks.check(read, limits.runs)
        stored = insert(shared, read.dataset, checked, token_id)
        try:
            with within_quota(limits):
                identifier = shared.storage.transfer.insert(checked, token_id, limits.stored_bytes)
        except BaseException:
            if stored is not None:
                shared.storage.datasets.delete(stored, force=True)
            raise
    except AlreadyStoredError as error:
        problem = FieldProblem("id", str(error), "Delete it first if the file should replace it.")
        raise ProblemError(409, "already-there", "Already there", problem) from error
    record = shared.storage.experiments.get(identifier)
    return ExperimentBody.with_runs(record, shared.storage.experiments.runs(identifier))


def _check_points(read: archive.Archive, limits: Limits) -> None:
    points = sum(run.curves["epoch"].size for run in read.runs if "epoch" in run.curves)
    if points > limits.points:
        detail = f"Its curves have {points} points in all."
        raise refusal(limits, "points", "runs", detail, f"At most {limits.points} are taken.")


def _figures(shared: Context, experiment_id: str) -> dict[str, bytes]:
    stamp = stamp_of(shared, [experiment_id])
    runs = finished_runs(shared, [experiment_id])
    wanted = [(figure, stamp, runs) for figure in REGISTRY.values()]
    return {each.name: each.png for each in pictures(shared, wanted)}


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece
