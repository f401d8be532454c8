"""The connection's side of the limits: uvicorn's HTTP protocol with deadlines of its own.

uvicorn closes a connection that is idle between requests. It waits for ever for the head of a
request, and for a client that takes nothing of an answer; both hold a socket and a buffer. The
parser is llhttp, in C: one in Python would spend seconds of the event loop on small chunks.
"""

from __future__ import annotations

import asyncio
import json
import resource
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from reglab.core.settings.limits import Limits

# Files that the server needs beside its connections: database, figures, imports.
OTHER_FILES = 256
MAX_HEAD_BYTES = 2**16
# Pieces of a body beyond these must have so many bytes on average.
FREE_PIECES = 1000
PIECE_BYTES = 64


def protocol(
    limits: Limits, is_proxy: Callable[[str], bool] = lambda address: not address
) -> type[asyncio.Protocol]:
    """The class to give to uvicorn as ``http``.

    Args:
        limits: This server's.
        is_proxy: Whether connections from an address are those of many clients.
    """
    addresses: Counter[str] = Counter()
    most = min(limits.connections, _files(limits.connections + OTHER_FILES) - OTHER_FILES)

    class Bounded(HttpToolsProtocol):
        """One connection."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._timer: asyncio.TimerHandle | None = None
            self._unsent = 0
            self._head = self._pieces = self._bytes = 0
            self._refused = HTTPStatus.BAD_REQUEST
            self._address = self.client[0] if self.client else ""
            addresses[self._address] += 1
            busy = addresses[self._address] > limits.address_connections
            too_many = busy and not is_proxy(self._address)
            if too_many or len(self.connections) > most:
                transport.abort()
            else:
                self._watch(limits.header_seconds)

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop()
            addresses[self._address] -= 1
            if not addresses[self._address]:
                del addresses[self._address]
            super().connection_lost(exc)

        def on_message_begin(self) -> None:
            self._head = self._pieces = self._bytes = 0
            super().on_message_begin()

        def on_url(self, url: bytes) -> None:
            self._count_head(len(url), HTTPStatus.REQUEST_URI_TOO_LONG)
            super().on_url(url)

        def on_header(self, name: bytes, value: bytes) -> None:
            size = len(name) + len(value)
            self._count_head(size, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            super().on_header(name, value)

        def on_body(self, body: bytes) -> None:
            self._pieces += 1
            self._bytes += len(body)
            if self._pieces > FREE_PIECES + self._bytes / PIECE_BYTES:
                self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            super().on_body(body)

        def send_400_response(self, msg: str) -> None:
            """What the parser, or a count above, refuses; no app has seen the request."""
            if self.transport.is_closing():
                return
            if self._answering() and self.cycle.response_started:
                self.transport.abort()
                return
            self.transport.write(_refusal(self._refused))
            self.transport.close()

        def _count_head(self, size: int, status: HTTPStatus) -> None:
            self._head += size
            if self._head > MAX_HEAD_BYTES:
                self._refuse(status)

        def _refuse(self, status: HTTPStatus) -> None:
            self._refused = status
            raise ValueError(status.phrase)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if not self._answering():
                # A head that comes in pieces keeps the deadline of its first one.
                if self._timer is None:
                    self._watch(limits.header_seconds)
            elif not self.flow.write_paused:
                self._stop()

        def on_response_complete(self) -> None:
            # What is left of a refused body, and the next request's head, have a deadline too.
            self._watch(limits.header_seconds)
            super().on_response_complete()
            if self._answering():
                self._stop()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._watch(limits.write_seconds)

        def resume_writing(self) -> None:
            if self._answering():
                self._stop()
            super().resume_writing()

        def _answering(self) -> bool:
            return self.cycle is not None and not self.cycle.response_complete

        def _watch(self, seconds: float) -> None:
            self._stop()
            self._unsent = self.transport.get_write_buffer_size()
            self._timer = self.loop.call_later(seconds, self._expired, seconds)

        def _expired(self, seconds: float) -> None:
            """A client that takes an answer slowly goes on; one that does nothing is gone."""
            self._timer = None
            if 0 < self.transport.get_write_buffer_size() < self._unsent:
                self._watch(seconds)
            else:
                self.transport.abort()

        def _stop(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    return Bounded


REASONS = {
    HTTPStatus.BAD_REQUEST: ("The request is no HTTP.", "Send HTTP/1.1."),
    HTTPStatus.REQUEST_URI_TOO_LONG: (
        "The address is too long.",
        f"Use at most {MAX_HEAD_BYTES} bytes; send long lists in several requests.",
    ),
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: (
        "The headers are too long.",
        f"Use at most {MAX_HEAD_BYTES} bytes for address and headers.",
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
        "The body comes in too many small chunks.",
        f"Send chunks of at least {PIECE_BYTES} bytes.",
    ),
}


def _refusal(status: HTTPStatus) -> bytes:
    """A whole answer, as problem+json, after which the connection is closed."""
    detail, remedy = REASONS[status]
    name = status.phrase.lower().replace(" ", "-")
    document = {
        "type": f"urn:reglab:{name}",
        "title": status.phrase,
        "status": status.value,
        "detail": f"{detail} {remedy}",
        "errors": [{"field": "request", "detail": detail, "remedy": remedy}],
    }
    body = json.dumps(document).encode()
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/problem+json\r\n"
    head += f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def _files(wanted: int) -> int:
    """Raise this process's limit of open files towards ``wanted``; returns what it is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        target = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return wanted if soft == resource.RLIM_INFINITY else soft


def options(
    limits: Limits, is_proxy: Callable[[str], bool] = lambda address: not address
) -> dict[str, Any]:
    """Arguments for ``uvicorn.run``."""
    # What proxies say of their clients is read by the app, after who the proxy is has been noted.
    http = protocol(limits, is_proxy)
    return {"http": http, "timeout_keep_alive": 15, "proxy_headers": False}
