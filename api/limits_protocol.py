"""The connection's side of the limits: uvicorn's HTTP protocol with deadlines of its own.

uvicorn closes a connection that is idle between requests. It waits for ever for the head of a
request, and for a client that takes nothing of an answer; both hold a socket and a buffer.
"""

from __future__ import annotations

import asyncio
import resource
from contextlib import suppress
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from reglab.core.limits import Limits

# Files that the server needs beside its connections: database, figures, imports.
OTHER_FILES = 256


def protocol(limits: Limits) -> type[asyncio.Protocol]:
    """The class to give to uvicorn as ``http``."""
    most = min(limits.connections, _files(limits.connections + OTHER_FILES) - OTHER_FILES)

    class Bounded(H11Protocol):
        """One connection."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._timer: asyncio.TimerHandle | None = None
            self._unsent = 0
            if len(self.connections) > most:
                transport.abort()
            else:
                self._watch(limits.header_seconds)

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop()
            super().connection_lost(exc)

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


def _files(wanted: int) -> int:
    """Raise this process's limit of open files towards ``wanted``; returns what it is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        target = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return wanted if soft == resource.RLIM_INFINITY else soft


def options(limits: Limits) -> dict[str, Any]:
    """Arguments for ``uvicorn.run``."""
    return {"http": protocol(limits), "timeout_keep_alive": 15}
