"""The events of an experiment as a stream (Server-Sent Events)."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Header, Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from reglab.api.access.scopes import needs
from reglab.api.context import Context, ExperimentId, Shared
from reglab.api.events.bodies import DeletedEvent, event_schema
from reglab.api.limits.streams import CountedStream
from reglab.api.problems import responses
from reglab.core.storage import NotFoundError

router = APIRouter(prefix="/experiments/{experiment_id}", tags=["results"])
HEARTBEAT_SECONDS = 10
# Less than the server's own timeout_graceful_shutdown.
GRACE_SECONDS = 2
RETRY_MILLISECONDS = 1000
STREAM = """Events as they happen, each with an id and JSON data:

| event | data | when |
|---|---|---|
| `metrics` | `MetricsEvent` | there are new evaluations |
| `progress` | `ProgressEvent` | runs went on |
| `state` | `StateEvent` | the experiment's or a run's state changed |
| `deleted` | `DeletedEvent` | the experiment was deleted |

A new stream begins with one event of each of the first three kinds with `snapshot: true`: all
runs as they are and the latest evaluation of each. A stream with the header `Last-Event-ID` goes on
after that event; where the id is unknown (the server was restarted, or it is too old) it begins
anew.
Once the experiment has ended, and `state` has said so, the stream ends. A reader that then comes
back with the last id is answered 204, which makes browsers stop. Comments (`: ping`) keep idle
connections open."""
NAMES = ["metrics", "progress", "state", "deleted"]
REFERENCES = [
    {"$ref": f"#/components/schemas/{name}"}
    for name in ("MetricsEvent", "ProgressEvent", "StateEvent", "DeletedEvent")
]
ANSWERS: dict[int | str, dict[str, Any]] = {
    **responses(404, 429, 503),
    200: {
        "description": "A stream of events; the data of each is one of these objects",
        "content": {"text/event-stream": {"schema": event_schema(NAMES, {"anyOf": REFERENCES})}},
    },
    204: {"description": "The experiment has ended and the reader has its last event"},
}
LastId = Annotated[
    str | None,
    Header(alias="Last-Event-ID", max_length=100, description="The last event that was read."),
]


@router.get(
    "/events",
    summary="Live events",
    description=STREAM,
    operation_id="stream_events",
    response_class=EventSourceResponse,
    responses=ANSWERS,
)
@needs("read")
async def stream_events(
    shared: Shared, experiment_id: ExperimentId, last_event_id: LastId = None
) -> Response:
    """Open a stream; see STREAM."""
    asked = time.monotonic()
    async with shared.event_poller.reading(experiment_id, asked) as event_log:
        if event_log.ended and last_event_id == event_log.last_id:
            return Response(status_code=204)
    stop = anyio.Event()
    return CountedStream(
        shared.streams,
        "streams",
        _events(shared, experiment_id, asked, last_event_id, stop),
        ping=HEARTBEAT_SECONDS,
        # The connection's own deadline comes first; this one is for other servers than ours.
        send_timeout=2 * shared.limits.write_seconds,
        shutdown_event=stop,
        shutdown_grace_period=GRACE_SECONDS,
    )


async def _events(
    shared: Context, experiment_id: str, asked: float, after: str | None, stop: anyio.Event
) -> AsyncIterator[ServerSentEvent]:
    # Joined here, not in the handler: a generator that never starts would never leave.
    try:
        async with shared.event_poller.reading(experiment_id, asked) as event_log:
            async for event in shared.event_poller.events(event_log, after, stop):
                yield ServerSentEvent(
                    event.data, event=event.name, id=event.id, retry=RETRY_MILLISECONDS
                )
    except NotFoundError:
        # Deleted after the head of the answer was sent.
        gone = DeletedEvent(experiment_id=experiment_id)
        yield ServerSentEvent(gone.model_dump_json(), event="deleted")
