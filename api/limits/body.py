"""Bodies of requests: bounded in bytes, time and depth before any handler sees them."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress

from anyio import CapacityLimiter, to_thread
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reglab.api.limits.refusals import refusal, send_problem
from reglab.api.problems import ProblemError
from reglab.core.errors import FieldProblem, ReglabError
from reglab.core.exchange.json_text import RepeatedKeyError, depth_of, unrepeated, unusable_text
from reglab.core.settings.limits import Limits
from reglab.core.spec import dotted

# Read by their handlers piece by piece; all others are small and are read here, whole.
STREAMED = {
    ("POST", "/v1/experiments/import"): "import_bytes",
    ("POST", "/v1/datasets"): "dataset_bytes",
}
# Of a multipart body beside the file: the heads of its parts, and a document.
FORM_BYTES = 2**18
# Checking a longer body would hold up the event loop.
CHECKED_AT_ONCE = 2**16
# A client still sending is read for so long, so that it sees the refusal rather than a reset.
LINGER_SECONDS = 2.0


class BodyMiddleware:
    """Pure ASGI; refuses before the handler runs."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app, self._limits = app, limits
        # One after the other: each holds up the event loop a little, several at once for long.
        self._checking = CapacityLimiter(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = Body(scope, receive, self._limits, self._checking)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and body.unread:
                await body.linger()
            await send(message)

        try:
            read = body.piece if body.is_streamed else await body.whole()
            await self._app(scope, read, sending)
        except ProblemError as problem:
            await send_problem(problem, scope, receive, sending)
        except ClientGoneError:
            # Nobody is left to answer.
            return


class ClientGoneError(ReglabError):
    """The client went away before its body had arrived."""


class Body:
    """The body of one request as it arrives."""

    def __init__(
        self, scope: Scope, receive: Receive, limits: Limits, checking: CapacityLimiter
    ) -> None:
        self._receive, self._limits, self._checking = receive, limits, checking
        limit = STREAMED.get((scope["method"], scope["path"]))
        self.is_streamed = limit is not None
        self._limit = limit or "body_bytes"
        self._most = getattr(limits, self._limit)
        if self._limit == "dataset_bytes":
            self._most += FORM_BYTES
        headers = dict(scope["headers"])
        self._told = int(headers.get(b"content-length", b"0"))
        self.unread = self._told > 0 or b"transfer-encoding" in headers
        self._size, self._began = 0, time.monotonic()

    async def piece(self) -> Message:
        """The next message, counted and timed."""
        if self.unread:
            self._check_size(self._told)
        left = self._deadline() - time.monotonic() if self.unread else None
        try:
            async with asyncio.timeout(left):
                message = await self._receive()
        except TimeoutError:
            raise self._late() from None
        if message["type"] == "http.request":
            self._size += len(message.get("body", b""))
            self._check_size(self._size)
            self.unread = self.unread and message.get("more_body", False)
        elif self.unread:
            raise ClientGoneError
        return message

    async def whole(self) -> Receive:
        """All of it, checked, as what a handler receives."""
        if not self.unread:
            return self._receive
        pieces = bytearray()
        while self.unread:
            pieces += (await self.piece()).get("body", b"")
        body = bytes(pieces)
        if len(body) > CHECKED_AT_ONCE:
            await to_thread.run_sync(check_json, body, self._limits, limiter=self._checking)
        else:
            check_json(body, self._limits)
        return self._replay(body)

    async def linger(self) -> None:
        """Read on for a moment without keeping anything."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while self._size <= 2 * self._most:
                    message = await self._receive()
                    self._size += len(message.get("body", b""))
                    if not message.get("more_body", False):
                        return

    def _replay(self, body: bytes) -> Receive:
        given = False

        async def receive() -> Message:
            nonlocal given
            if given:
                return await self._receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        return receive

    def _deadline(self) -> float:
        limits = self._limits
        return self._began + limits.body_seconds + self._size / limits.body_rate

    def _check_size(self, size: int) -> None:
        most = self._most
        if size > most:
            told = (
                f"The body has {size} bytes." if self._told else f"The body has over {most} bytes."
            )
            remedy = f"Send at most {most} bytes."
            raise refusal(self._limits, self._limit, "body", told, remedy)

    def _late(self) -> ProblemError:
        seconds = time.monotonic() - self._began
        detail = f"{self._size} bytes of the body had arrived after {seconds:.1f} s."
        return refusal(self._limits, "body_seconds", "body", detail, "Send it without pauses.")


def check_json(body: bytes, limits: Limits) -> None:
    """Refuse what no handler should parse: too deep, ambiguous, or with text that no store takes.

    Raises:
        ProblemError: 400 that names the field or the depth; 422 that names a key given twice.
    """
    deepest = depth_of(body)
    if deepest > limits.json_depth:
        detail = f"Objects and lists are {deepest} deep."
        remedy = f"Use at most {limits.json_depth} levels."
        raise refusal(limits, "json_depth", "body", detail, remedy)
    if b"\0" in body:
        raise _unusable("body", "It holds a NUL byte.", "Send JSON in UTF-8.")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unusable("body", "It is not UTF-8.", "Send JSON in UTF-8.") from error
    try:
        document = json.loads(text, object_pairs_hook=unrepeated)
    except RepeatedKeyError as error:
        remedy = "Give each key of an object once."
        field = error.key.encode("ascii", "backslashreplace").decode()[:200] or "body"
        problem = FieldProblem(field, "The key is given twice in one object.", remedy)
        raise ProblemError(422, "invalid", "Invalid request", problem) from error
    except ValueError:
        # Forms are no JSON, and a handler that wants JSON says so.
        return
    if rb"\u" in body:
        place = unusable_text(document)
        if place is not None:
            where = dotted(place).encode("ascii", "backslashreplace").decode()
            detail = "The text holds U+0000 or half of a surrogate pair."
            raise _unusable(where[:200] or "body", detail, "Leave these signs out.")


def _unusable(where: str, detail: str, remedy: str) -> ProblemError:
    return ProblemError(400, "bad-text", "Bad text", FieldProblem(where, detail, remedy))
