"""How often and how much at a time a client may ask."""

from __future__ import annotations

import hashlib
import ipaddress
import time
from collections.abc import Callable

from cachetools import LRUCache, TTLCache
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reglab.api.access.routes import needed
from reglab.api.limits.refusals import refusal, send_problem
from reglab.api.problems import ProblemError
from reglab.core.settings.limits import Limits

# Clients that are remembered; who is forgotten starts with a full allowance.
CLIENTS = 10_000
# So many addresses may fail at their rate behind all proxies together.
FORWARDED = 10
RIGHT_SECONDS = 300.0
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

    def wait(self, key: str, take: bool = True) -> float:
        """Take one request; 0, or the seconds until it would be allowed.

        ``take`` False tells the same and takes nothing.
        """
        now = self._clock()
        full_at = max(self._full_at.get(key, now), now)
        early = full_at - now - self._slack
        if early > 0:
            return early
        if take:
            self._full_at[key] = full_at + self._interval
        return 0.0


class Refusals:
    """Wrong tokens by address: beyond the rate, no more are looked up.

    A token that was right within the last minutes is looked up all the same, so that nobody is
    shut out by others of his address.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._by_address = Rate(limits.rate, limits.burst)
        # Who can send a forwarding header can make up addresses.
        self._forwarded = Rate(FORWARDED * limits.rate, FORWARDED * limits.burst)
        self._right: TTLCache[bytes, bool] = TTLCache(CLIENTS, RIGHT_SECONDS)

    def check(self, request: Request, secret: str) -> None:
        """Before a secret is looked up.

        Raises:
            ProblemError: 429, with the seconds to wait.
        """
        if _digest(secret) in self._right:
            return
        waits = [rate.wait(key, take=False) for rate, key in self._buckets(request)]
        if max(waits):
            detail = "More wrong tokens came than are allowed."
            remedy = "Wait, then send a token that is listed by `reglab tokens list`."
            raise refusal(self._limits, "rate", "Authorization", detail, remedy, max(waits))

    def note(self, request: Request, secret: str, is_right: bool) -> None:
        """After it was looked up."""
        if is_right:
            self._right[_digest(secret)] = True
            return
        for rate, key in self._buckets(request):
            rate.wait(key)

    def _buckets(self, request: Request) -> list[tuple[Rate, str]]:
        buckets = [(self._by_address, address_of(request))]
        if "x-forwarded-for" in request.headers:
            buckets.append((self._forwarded, ""))
        return buckets


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


class RateMiddleware:
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

    def _refused(self, request: Request) -> ProblemError | None:
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
    """The token of a request, else its address."""
    principal = getattr(request.state, "principal", None)
    token_id = getattr(principal, "token_id", None)
    if token_id is not None:
        return f"token {token_id}"
    return address_of(request)


def address_of(request: Request) -> str:
    """The address of a request's client; whole networks of IPv6 count as one."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 6:
        return str(ipaddress.ip_network((int(address), IPV6_PREFIX), strict=False))
    return host
