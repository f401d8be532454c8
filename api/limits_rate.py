"""How often and how much at a time a client may ask."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable

from cachetools import LRUCache
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reglab.api.access.routes import needed
from reglab.api.limits import refusal, send_problem
from reglab.api.problems import Problem
from reglab.core.limits import Limits

# Clients that are remembered; who is forgotten starts with a full allowance.
CLIENTS = 10_000
# Addresses of one IPv6 customer.
IPV6_PREFIX = 64


class Rate:
    """Token buckets by key, each as one number: the generic cell rate algorithm (ITU-T I.371)."""

    def __init__(
        self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._interval = 1 / rate if rate else 0.0
        self._slack = burst * self._interval
        self._clock = clock
        # When each key's bucket will be full again.
        self._full_at: LRUCache[str, float] = LRUCache(CLIENTS)

    def wait(self, key: str) -> float:
        """Take one request; 0, or the seconds until it would be allowed."""
        now = self._clock()
        full_at = max(self._full_at.get(key, now), now)
        early = full_at - now - self._slack
        if early > 0:
            return early
        self._full_at[key] = full_at + self._interval
        return 0.0


class Requests:
    """Pure ASGI: refuses with 429 before anything is read or done."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app, self._limits = app, limits
        self._rate = Rate(limits.rate, limits.burst)
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        # Those who operate the server must be answered most of all when it is busy.
        if scope["type"] != "http" or needed(Request(scope)).probe:
            await self._app(scope, receive, send)
            return
        problem = self._refused(Request(scope))
        if problem is not None:
            await send_problem(problem, scope, receive, send)
            return
        await self._counted(scope, receive, send)

    def _refused(self, request: Request) -> Problem | None:
        limits = self._limits
        if self._open >= limits.requests:
            detail = f"{self._open} requests are being answered."
            return refusal(limits, "requests", "requests", detail, "Try again in a second.", 1)
        wait = self._rate.wait(client_of(request))
        if wait:
            detail = "More requests came than are allowed."
            remedy = f"Send at most {limits.rate:g} a second."
            return refusal(limits, "rate", "requests", detail, remedy, wait)
        return None

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Streams have a limit of their own: what has begun to be answered is not counted."""
        waiting = True

        def done() -> None:
            nonlocal waiting
            self._open -= waiting
            waiting = False

        async def sending(message: Message) -> None:
            done()
            await send(message)

        self._open += 1
        try:
            await self._app(scope, receive, sending)
        finally:
            done()


def client_of(request: Request) -> str:
    """The token of a request, else its address; whole networks of IPv6 count as one."""
    principal = getattr(request.state, "principal", None)
    token_id = getattr(principal, "token_id", None)
    if token_id is not None:
        return f"token {token_id}"
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 6:
        return str(ipaddress.ip_network((int(address), IPV6_PREFIX), strict=False))
    return host
