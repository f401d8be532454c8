"""For those who operate the server: alive, ready, and numbers."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from reglab import __version__
from reglab.api import schemas
from reglab.api.context import Context, Shared
from reglab.core.storage import StorageUnavailable
from reglab.core.storage.migrate import is_current

router = APIRouter(tags=["operation"])
WORKER_SILENT_SECONDS = 30.0


@router.get("/healthz", summary="Alive", operation_id="healthz")
def healthz() -> schemas.Health:
    """Answers as long as the process does."""
    return schemas.Health(status="ok", version=__version__)


@router.get(
    "/readyz",
    summary="Ready",
    operation_id="readyz",
    responses={503: {"model": schemas.Readiness, "description": "A part is missing"}},
)
def readyz(shared: Shared, response: Response) -> schemas.Readiness:
    """Looks at the database, the broker and the freshest worker; a missing worker only delays."""
    database = _database(shared)
    broker = "ok" if shared.dispatcher.reachable() else "unreachable; the sweeper sends later"
    worker = _worker(shared) if database == "ok" else "unknown"
    ready = database == "ok"
    response.status_code = 200 if ready else 503
    return schemas.Readiness(ready=ready, database=database, broker=broker, worker=worker)


@router.get(
    "/metrics",
    summary="Prometheus metrics",
    operation_id="metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(request: Request, shared: Shared) -> Response:
    """Requests, and runs by state."""
    state = request.app.state
    for name, count in shared.storage.runs.counts().items():
        state.run_gauge.labels(name).set(count)
    return Response(generate_latest(state.registry), media_type=CONTENT_TYPE_LATEST)


def _database(shared: Context) -> str:
    try:
        current = is_current(shared.storage.engine)
    except Exception as error:
        return f"unreachable: {type(error).__name__}"
    return "ok" if current else "behind: run python -m reglab.core.storage.migrate"


def _worker(shared: Context) -> str:
    try:
        age = shared.storage.upkeep.worker_age()
    except StorageUnavailable:
        return "unknown"
    if age is None:
        return "none seen yet: start one with python -m reglab.worker"
    return "ok" if age < WORKER_SILENT_SECONDS else f"none seen for {age:.0f} s"
