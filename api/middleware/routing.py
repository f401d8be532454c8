"""The route of a request, found by the router's own patterns before anything is decided by it."""

from __future__ import annotations

import re

from fastapi import FastAPI
from fastapi.routing import RouteContext
from starlette.requests import HTTPConnection
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from reglab.api.access import queries
from reglab.api.access.routes import contexts, handler_of
from reglab.api.limits.refusals import send_problem
from reglab.api.problems import ProblemError
from reglab.core.errors import FieldProblem

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
ENCODED_NUL = b"%00"
# Whoever reads the first and whoever reads the last must not see two requests.
SINGLE = (b"host", b"authorization", b"content-type", b"content-length", b"idempotency-key")
# Longer than any list of ids that a page or a call takes.
MAX_TARGET_BYTES = 2**16


class RoutingMiddleware:
    """Refuses what cannot be read in one way; sets ``request.state.matched``."""

    def __init__(self, app: ASGIApp, root: FastAPI) -> None:
        self._app = app
        self._candidates = [(context.matches, context) for context in contexts(root)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            check_target(scope)
            check_headers(scope)
        except ProblemError as problem:
            await send_problem(problem, scope, receive, send)
            return
        HTTPConnection(scope).state.matched = self._matched(scope)
        await self._app(scope, receive, send)

    def _matched(self, scope: Scope) -> RouteContext | None:
        """The route that the router will choose, also where it will refuse the method."""
        partial = None
        for matches, context in self._candidates:
            match, _ = matches(scope)
            if match is Match.FULL:
                return context
            if match is Match.PARTIAL and partial is None:
                partial = context
        return partial


class QueryMiddleware:
    """Refuses parameters that the matched route would ignore; behind all that asks who may."""

    def __init__(self, app: ASGIApp, root: FastAPI) -> None:
        self._app = app
        self._known = {handler_of(each): queries.parameters(each) for each in contexts(root)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        try:
            if scope["type"] == "http" and scope.get("query_string"):
                self._check(scope)
        except ProblemError as problem:
            await send_problem(problem, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        context = getattr(HTTPConnection(scope).state, "matched", None)
        if context is None or scope["method"] not in (context.methods or ()):
            return
        known = self._known.get(handler_of(context))
        if known is not None:
            queries.check(scope["query_string"], known)


def check_target(scope: Scope) -> None:
    """Refuse what readers of a path disagree about, and what is too long.

    Raises:
        ProblemError: 400 for control characters, 414 for more than MAX_TARGET_BYTES.
    """
    path, query = scope["path"], scope.get("query_string", b"")
    size = len(scope.get("raw_path") or path) + len(query)
    if size > MAX_TARGET_BYTES:
        remedy = f"Use at most {MAX_TARGET_BYTES} bytes; send long lists in several requests."
        problem = FieldProblem("path", f"The address has {size} bytes.", remedy)
        # It would be repeated in the answer and in the log.
        scope["path"] = path[:100]
        raise ProblemError(414, "uri-too-long", "URI too long", problem)
    if CONTROL.search(path) or ENCODED_NUL in query:
        problem = (
            FieldProblem("path", "The path holds control characters.", "Leave them out.")
            if CONTROL.search(path)
            else FieldProblem("query", "The query holds a NUL byte (%00).", "Leave it out.")
        )
        raise ProblemError(400, "bad-text", "Bad text", problem)


def check_headers(scope: Scope) -> None:
    """Refuse headers that readers disagree about, and bodies that nobody here decodes.

    Raises:
        ProblemError: 400 for a header given twice, 415 for a compressed body, 501 for a transfer
            coding other than chunked.
    """
    names = [name for name, _ in scope["headers"]]
    for name in SINGLE:
        if names.count(name) > 1:
            told = name.decode().title()
            problem = FieldProblem(told, f"There are {names.count(name)}.", "Send it once.")
            raise ProblemError(400, "repeated-header", "Repeated header", problem)
    headers = dict(scope["headers"])
    transfer = headers.get(b"transfer-encoding", b"chunked").decode("latin-1")
    if transfer.strip().lower() not in ("chunked", "identity"):
        problem = FieldProblem("Transfer-Encoding", f"Got '{transfer[:60]}'.", "Use chunked.")
        raise ProblemError(501, "unsupported-encoding", "Unsupported encoding", problem)
    encoding = headers.get(b"content-encoding", b"identity").decode("latin-1")
    if encoding.strip().lower() not in ("", "identity"):
        remedy = "Send the body as it is, without compression."
        problem = FieldProblem("Content-Encoding", f"Got '{encoding[:60]}'.", remedy)
        raise ProblemError(415, "unsupported-encoding", "Unsupported encoding", problem)
