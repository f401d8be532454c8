"""Long work has threads of its own, so that it never takes those of short requests."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Response
from pydantic import BaseModel

from reglab.api.limits.refusals import refusal

# More would only share the same cores, and hold results in memory while they wait.
THREADS = 4
# One draws, as Matplotlib is held by a lock; another reads what is drawn next.
DRAWING_THREADS = 2
# Planning is pure Python: two at once would only hold up everybody else twice.
PLANNING_THREADS = 1
RETRY_SECONDS = 5
P = ParamSpec("P")
T = TypeVar("T")


def heavy(handler: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """A handler, taking ``shared``, that calculates; who comes later waits in turn."""

    @functools.wraps(handler)
    async def waiting(*args: P.args, **kwargs: P.kwargs) -> T:
        limiter: CapacityLimiter = kwargs["shared"].heavy  # type: ignore[attr-defined]
        # The framework takes a response in place of the value that the handler declares.
        work: Any = functools.partial(_written, handler, *args, **kwargs)
        answer: T = await to_thread.run_sync(work, limiter=limiter)
        return answer

    return waiting


def _written(handler: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | Response:
    """A body as JSON already, which the framework would check and write in the event loop."""
    made = handler(*args, **kwargs)
    if not isinstance(made, BaseModel):
        return made
    return Response(made.model_dump_json(by_alias=True), media_type="application/json")


def drawing(handler: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """A handler, taking ``shared``, that draws; nobody who only calculates waits for it."""

    @functools.wraps(handler)
    async def waiting(*args: P.args, **kwargs: P.kwargs) -> T:
        return await drawn(kwargs["shared"], functools.partial(handler, *args, **kwargs))

    return waiting


async def drawn(shared: Any, draw: Callable[[], T]) -> T:
    """Draw in the threads that draw, or refuse where too many wait already."""
    waiting = shared.drawing.statistics().tasks_waiting
    if waiting >= shared.limits.drawings:
        detail = f"{waiting} figures, reports and exports wait to be drawn."
        remedy = "Try again when some have been."
        raise refusal(shared.limits, "drawings", "figures", detail, remedy, RETRY_SECONDS)
    return await to_thread.run_sync(draw, limiter=shared.drawing)
