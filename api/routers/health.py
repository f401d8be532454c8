"""For those who operate the server: alive, ready, and numbers."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from reglab import __version__
from reglab.api.access.scopes import needs
from reglab.api.context import Shared
from reglab.api.metrics import text
from reglab.api.readiness import look
from reglab.api.schemas.health import Health, Readiness

router = APIRouter(tags=["operation"])


@router.get("/healthz", summary="Liveness", operation_id="healthz")
@needs(None, probe=True)
async def healthz() -> Health:
    """Answers as long as the process is alive. It does not wait for long work."""
    return Health(status="ok", version=__version__)


@router.get(
    "/readyz",
    summary="Readiness",
    operation_id="readyz",
    responses={503: {"model": Readiness, "description": "Submissions are not accepted"}},
)
@needs(None, probe=True)
def readyz(request: Request, shared: Shared, response: Response) -> Readiness:
    """Checks the database, the broker and the workers for at most two seconds.

    503 means that submissions cannot be taken: the database is away, hangs or is not migrated. An
    absent broker or worker only delays runs, so it is told and the answer stays 200.
    """
    found = look(request.app.state.looks, shared.storage, shared.run_queue)
    response.status_code = 200 if found["ready"] else 503
    return Readiness(**found)


@router.get(
    "/metrics",
    summary="Prometheus metrics",
    operation_id="metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
@needs("read", unless="open_metrics", probe=True)
def metrics(request: Request) -> Response:
    """Returns the requests of this process, and the queue, workers and runs of the service."""
    state = request.app.state
    found = text(state.registry, state.service_metrics)
    return Response(found, media_type=CONTENT_TYPE_LATEST)
