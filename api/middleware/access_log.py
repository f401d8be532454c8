"""Around every request: an id, one log line, numbers for /metrics, the last catch for faults."""

from __future__ import annotations

import re
import time

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid7

from reglab.api.problems import fault

log = structlog.get_logger("reglab.access")
# No status of HTTP: the client went away before it was answered.
GONE = 499
ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class AccessLogMiddleware:
    """Pure ASGI, so that streamed answers stay streams."""

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self._app = app
        labels = ["method", "route", "status"]
        self._count = Counter("reglab_requests", "Requests served.", labels, registry=registry)
        self._seconds = Histogram(
            "reglab_request_seconds", "Time to answer.", ["route"], registry=registry
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        request.state.request_id = request_id = _request_id(request)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        began = time.perf_counter()
        exchange = Exchange(scope, receive, send, request_id)
        # The framework has no routes for HEAD: they are those of GET, and the server sends no body.
        inner = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        try:
            await self._app(inner, exchange.receive, exchange.send)
        except ClientDisconnect:
            pass
        except Exception as error:
            response = fault(request, error)
            if exchange.status == GONE:
                await response(inner, exchange.receive, exchange.send)
        status = exchange.status
        route = getattr(inner.get("route"), "path", "unmatched")
        seconds = time.perf_counter() - began
        self._count.labels(request.method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)
        log.info(
            "request",
            method=request.method,
            path=request.url.path,
            status=status,
            milliseconds=round(1000 * seconds, 1),
        )


class Exchange:
    """What is received and sent of one request.

    Attributes:
        status: Of the answer; GONE while none has begun.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        self._receive, self._send = receive, send
        self._request_id = request_id.encode()
        self._is_head = scope["method"] == "HEAD"
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"0")
        self._has_unread_body = length != b"0" or b"transfer-encoding" in headers
        self._is_over = False
        self.status = GONE

    async def receive(self) -> Message:
        """The next message; a stream that is asked for by HEAD has no reader."""
        if self._is_over:
            return {"type": "http.disconnect"}
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            self._has_unread_body = False
        return message

    async def send(self, message: Message) -> None:
        """Send it, with the request's id; a body that nobody has read is not read on."""
        if self._is_over:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message.get("headers", []), (b"x-request-id", self._request_id)]
            if self._has_unread_body:
                headers.append((b"connection", b"close"))
            message["headers"] = headers
        elif self._is_head and message["type"] == "http.response.body":
            self._is_over = True
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)


def _request_id(request: Request) -> str:
    given = request.headers.get("x-request-id", "")
    return given if ACCEPTED_ID.fullmatch(given) else str(uuid7())
