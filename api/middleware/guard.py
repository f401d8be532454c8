"""Before every request: whether it may come from there, who makes it, what he may do."""

from __future__ import annotations

import contextlib
from urllib.parse import unquote, urlencode

import anyio
import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reglab.api import problems
from reglab.api.access import cookies
from reglab.api.access.origins import check_name, check_origin
from reglab.api.access.policy import Policy
from reglab.api.access.principal import ANONYMOUS, NOBODY, Principal
from reglab.api.access.routes import needed
from reglab.api.access.scopes import SAFE
from reglab.api.limits.rate import Refusals
from reglab.api.problems import ProblemError, wants_page
from reglab.core.errors import FieldProblem
from reglab.core.storage import (
    AccessScope,
    Storage,
    StorageError,
    StorageUnavailableError,
    TokenRecord,
    TokenRefusedError,
)
from reglab.core.storage.tokens import FORM

# A stream may last for hours: whether its reader still may read is asked again so often.
RECHECK_SECONDS = 15.0
REALM = 'Bearer realm="reglab"'
REMEDY = (
    "Send 'Authorization: Bearer <token>' (clients: REGLAB_TOKEN). Whoever runs the server makes "
    "one with `reglab tokens create`."
)


class GuardMiddleware:
    """Sets ``request.state.principal``, or refuses with 400, 401, 403 or 421.

    Args:
        app: What is guarded.
        policy: When tokens are asked for.
        storage: Where they are.
        refusals: Counts wrong tokens.
    """

    def __init__(self, app: ASGIApp, policy: Policy, storage: Storage, refusals: Refusals) -> None:
        self._app, self._policy, self._storage = app, policy, storage
        self._refusals = refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        request.state.principal, request.state.csrf = NOBODY, None
        try:
            checked = await self._admit(request)
        except ProblemError as problem:
            await _refusal(request, problem)(scope, receive, send)
        except StorageError as error:
            await (await problems.on_storage(request, error))(scope, receive, send)
        else:
            watched = self._watching(request, receive) if checked else receive
            await self._app(scope, watched, send)

    async def _admit(self, request: Request) -> bool:
        """Whether a token was checked; it may end while the answer is on its way."""
        _check_address(request)
        needs = needed(request)
        check_name(request, self._policy, needs)
        check_origin(request, self._policy)
        if not self._policy.asks(request):
            request.state.principal = ANONYMOUS
            return False
        scope = needs.under(self._policy)
        if scope is None:
            return False
        header = request.headers.get("authorization")
        secret = cookies.session_of(request) or "" if header is None else header
        self._refusals.check(request, secret)
        try:
            token = await run_in_threadpool(self._token, request)
        except ProblemError as problem:
            if problem.status == 401:
                self._refusals.note(request, secret, is_right=False)
            raise
        self._refusals.note(request, secret, is_right=True)
        request.state.principal = principal = Principal.of(token)
        # In every line that is logged of this request.
        structlog.contextvars.bind_contextvars(token_id=token.id)
        if scope not in principal.scopes:
            raise _too_little(scope, token)
        return True

    def _token(self, request: Request) -> TokenRecord:
        header = request.headers.get("authorization")
        session = cookies.session_of(request)
        try:
            if header is not None:
                kind, _, text = header.partition(" ")
                if kind.lower() != "bearer":
                    raise TokenRefusedError("The header Authorization is not 'Bearer <token>'.")
                token = self._storage.tokens.authenticate(text.strip())
            elif session is not None:
                token = self._storage.sessions.authenticate(session)
                request.state.csrf = cookies.csrf_of(session)
            else:
                raise _unknown("This server asks for a token.", REALM)
        except TokenRefusedError as error:
            raise _unknown(str(error), f'{REALM}, error="invalid_token"') from error
        if header is None and session is not None:
            _check_csrf(request, session)
        with contextlib.suppress(StorageUnavailableError):
            self._storage.tokens.note_use(token)
        return token

    def _watching(self, request: Request, receive: Receive) -> Receive:
        """``receive`` that tells of a reader gone when his token has ended."""

        async def watched() -> Message:
            while True:
                with anyio.move_on_after(RECHECK_SECONDS):
                    return await receive()
                try:
                    await run_in_threadpool(self._token, request)
                except ProblemError:
                    return {"type": "http.disconnect"}
                except StorageError:
                    # An outage ends no stream that was rightly begun.
                    continue

        return watched


def _check_address(request: Request) -> None:
    """400 for a token in the address, where logs and histories would keep it."""
    path = request.scope["path"]
    query = unquote(request.scope.get("query_string", b"").decode("latin-1"))
    if not (FORM.search(path) or FORM.search(query)):
        return
    # What is logged of the request later is without it.
    request.scope["path"] = FORM.sub("reglab_...", path)
    remedy = "Send it in the header Authorization, and revoke this one: addresses end in logs."
    problem = FieldProblem("path", "There is a token in the address.", remedy)
    raise ProblemError(400, "token-in-address", "Token in the address", problem)


def _check_csrf(request: Request, session: str) -> None:
    if request.method in SAFE or cookies.same(request.headers.get(cookies.CSRF_HEADER), session):
        return
    remedy = "Load the page again, or send a token instead of the cookie."
    problem = FieldProblem(cookies.CSRF_HEADER, "It is missing or wrong.", remedy)
    raise ProblemError(403, "csrf", "CSRF token missing", problem)


def _unknown(detail: str, challenge: str) -> ProblemError:
    problem = FieldProblem("Authorization", detail, REMEDY)
    return ProblemError(
        401, "unauthenticated", "Token needed", problem, {"WWW-Authenticate": challenge}
    )


def _too_little(scope: AccessScope, token: TokenRecord) -> ProblemError:
    detail = f"This needs the scope '{scope}'; the token '{token.name}' has '{token.scope}'."
    remedy = f"Use a token made with `reglab tokens create NAME --scope {scope}`."
    challenge = f'{REALM}, error="insufficient_scope", scope="{scope}"'
    problem = FieldProblem("Authorization", detail, remedy)
    return ProblemError(403, "scope", "Scope needed", problem, {"WWW-Authenticate": challenge})


def _refusal(request: Request, problem: ProblemError) -> Response:
    if problem.status == 401 and request.method == "GET" and wants_page(request):
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/sign-in?{urlencode({'next': path})}", 303)
    return problems.answer_problem(request, problem)
