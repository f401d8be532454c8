"""Around every request: an id, one log line, numbers for /metrics, the last catch for faults."""

from __future__ import annotations

import re
import time

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid7

from reglab.api.problems import fault

log = structlog.get_logger("reglab.access")
ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Observation:
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
        began, status, started = time.perf_counter(), 500, False

        async def sending(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
                message["headers"] = [
                    *message.get("headers", []),
                    (b"x-request-id", request_id.encode()),
                ]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            response = fault(request, error)
            if not started:
                await response(scope, receive, sending)
        route = getattr(scope.get("route"), "path", "unmatched")
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


def _request_id(request: Request) -> str:
    given = request.headers.get("x-request-id", "")
    return given if ACCEPTED_ID.fullmatch(given) else str(uuid7())
