"""How many event streams and imports are open, in all and of one client."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from reglab.api.limits.rate import client_of
from reglab.api.limits.refusals import refusal, send_problem
from reglab.api.problems import ProblemError
from reglab.core.settings.limits import Limits

RETRY_SECONDS = 10


class Streams:
    """The open streams of one server process; used from its event loop only."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: Counter[str] = Counter()
        self.clients: Counter[tuple[str, str]] = Counter()

    def refused(self, kind: str, client: str) -> ProblemError | None:
        """Why one more may not be opened, or None.

        Args:
            kind: ``streams``, ``playgrounds`` or ``imports``: the limit for all clients together.
            client: Who asks.
        """
        limits = self._limits
        if self._open[kind] >= getattr(limits, kind):
            detail = f"{self._open[kind]} are open on this server."
            return refusal(limits, kind, kind, detail, "Try again later.", RETRY_SECONDS)
        name = _limit_of(kind)
        mine = self.clients[name, client]
        if mine >= getattr(limits, name):
            detail, remedy = f"{mine} of yours are open.", "Close some of them."
            return refusal(limits, name, kind, detail, remedy, RETRY_SECONDS)
        return None

    @contextmanager
    def place(self, kind: str, client: str) -> Iterator[None]:
        """Hold a place, or raise the problem."""
        problem = self.refused(kind, client)
        if problem is not None:
            raise problem
        self.enter(kind, client)
        try:
            yield
        finally:
            self.leave(kind, client)

    def open(self, kind: str) -> int:
        """How many are open."""
        return self._open[kind]

    def enter(self, kind: str, client: str) -> None:
        """One more is open."""
        self._open[kind] += 1
        self.clients[_limit_of(kind), client] += 1

    def leave(self, kind: str, client: str) -> None:
        """One less is open."""
        self._open[kind] -= 1
        self.clients[_limit_of(kind), client] -= 1
        # Who has none left is forgotten.
        self.clients += Counter()


def _limit_of(kind: str) -> str:
    """The limit for one client."""
    return "client_playgrounds" if kind == "playgrounds" else "client_streams"


class CountedStream(EventSourceResponse):
    """A stream that holds a place while it is sent, or a refusal where none is free."""

    def __init__(self, streams: Streams, kind: str, content: Any, **options: Any) -> None:
        super().__init__(content, **options)
        self._streams, self._kind = streams, kind

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; the place is taken and given back here, whatever becomes of the client."""
        with ExitStack() as held:
            try:
                held.enter_context(self._streams.place(self._kind, client_of(Request(scope))))
            except ProblemError as problem:
                await send_problem(problem, scope, receive, send)
                return
            await super().__call__(scope, receive, send)
