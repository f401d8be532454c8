"""The playground's stream: a net and its regularized twin while the server trains them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Depends, Query
from pydantic import Field
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool

from reglab.api.access.scopes import needs
from reglab.api.context import Shared
from reglab.api.events.bodies import event_schema
from reglab.api.limits.streams import CountedStream
from reglab.api.playground import Playground, Settings
from reglab.api.problems import responses
from reglab.core.errors import TrainingDivergedError

Finite = Annotated[float, Field(allow_inf_nan=False)]
router = APIRouter(tags=["playground"])
# Less than the server's own timeout_graceful_shutdown.
GRACE_SECONDS = 2
STREAM = """Two nets on two moons, trained in the server as one watches; nothing is stored.

Event `scene` comes first: training points, labels, the grid's extent and resolution. Then events
`frame`: `epoch`, and for `plain` and `regularized` the losses, accuracies, and `grid`: base64 of
one byte a grid point, 255 p(class 1), rows from the lowest y. Event `end` comes last, or `diverged`
with a `detail` where a loss became infinite."""
NAMES = ["scene", "frame", "end", "diverged"]
ANSWERS: dict[int | str, dict[str, Any]] = {
    **responses(422, 429),
    200: {
        "description": "A stream of events",
        "content": {"text/event-stream": {"schema": event_schema(NAMES, {"type": "object"})}},
    },
}


def _settings(
    l2: Annotated[Finite, Query(ge=0, le=0.1, description="L2 weight decay.")] = 0.0,
    l1: Annotated[Finite, Query(ge=0, le=0.05, description="L1 weight decay.")] = 0.0,
    dropout: Annotated[Finite, Query(ge=0, le=0.9, description="Dropout probability.")] = 0.0,
    label_smoothing: Annotated[
        Finite, Query(ge=0, le=0.5, description="Label smoothing epsilon.")
    ] = 0.0,
    noise: Annotated[
        Finite, Query(ge=0, le=1, description="Standard deviation of the noise of the points.")
    ] = 0.15,
    label_flip: Annotated[
        Finite, Query(ge=0, le=0.5, description="Share of flipped training labels.")
    ] = 0.1,
    train_size: Annotated[
        int, Query(ge=20, le=1000, description="Number of training points.")
    ] = 250,
    lr: Annotated[Finite, Query(gt=0, le=1, description="Initial learning rate.")] = 0.15,
    seed: Annotated[int, Query(ge=0, lt=2**63, description="Seed.")] = 0,
) -> Settings:
    return Settings(l2, l1, dropout, label_smoothing, noise, label_flip, train_size, lr, seed)


@router.get(
    "/playground",
    summary="Train two networks and stream them",
    description=STREAM,
    operation_id="stream_playground",
    response_class=EventSourceResponse,
    responses=ANSWERS,
)
@needs("read")
async def stream_playground(
    shared: Shared,
    settings: Annotated[Settings, Depends(_settings)],
) -> EventSourceResponse:
    """See STREAM."""
    stop = anyio.Event()
    return CountedStream(
        shared.streams,
        "playgrounds",
        _frames(settings, stop),
        ping=10,
        send_timeout=2 * shared.limits.write_seconds,
        shutdown_event=stop,
        shutdown_grace_period=GRACE_SECONDS,
    )


async def _frames(settings: Settings, stop: anyio.Event) -> AsyncIterator[ServerSentEvent]:
    try:
        playground = await run_in_threadpool(Playground, settings)
        yield _event("scene", playground.scene())
        async for frame in iterate_in_threadpool(playground.frames()):
            if stop.is_set():
                return
            yield _event("frame", frame)
        yield _event("end", {})
    except TrainingDivergedError as error:
        yield _event("diverged", {"detail": str(error)})


def _event(name: str, data: dict[str, Any]) -> ServerSentEvent:
    return ServerSentEvent(json.dumps(data, separators=(",", ":")), event=name)
