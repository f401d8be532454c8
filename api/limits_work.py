"""Long work has threads of its own, so that it never takes those of short requests."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread

# More would only share the same cores, and hold results in memory while they wait.
THREADS = 4
P = ParamSpec("P")
T = TypeVar("T")


def heavy(handler: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """A handler, taking ``shared``, that is run in these threads; who comes later waits in turn."""

    @functools.wraps(handler)
    async def waiting(*args: P.args, **kwargs: P.kwargs) -> T:
        limiter: CapacityLimiter = kwargs["shared"].heavy  # type: ignore[attr-defined]
        return await to_thread.run_sync(
            functools.partial(handler, *args, **kwargs), limiter=limiter
        )

    return waiting
