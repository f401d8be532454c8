"""Signing in and out: a token is given once, a cookie stands for it from then on."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from reglab.api.access import cookies
from reglab.api.access.policy import Policy
from reglab.api.access.principal import ANONYMOUS
from reglab.api.access.scopes import needs
from reglab.api.context import Context, Shared
from reglab.api.limits.rate import Refusals
from reglab.api.problems import ProblemError
from reglab.api.web.render import page
from reglab.core.errors import FieldProblem
from reglab.core.storage import TokenRefusedError

log = structlog.get_logger("reglab.access")
router = APIRouter()
START = "/experiments"
MAX_FIELDS = 4


async def _fields(request: Request) -> dict[str, str]:
    """The form's fields; none of them is ever part of an error."""
    async with request.form(max_files=0, max_fields=MAX_FIELDS) as form:
        return {name: value for name, value in form.items() if isinstance(value, str)}


Fields = Annotated[dict[str, str], Depends(_fields)]


@router.get("/sign-in")
@needs(None)
def sign_in_page(
    request: Request, target: Annotated[str, Query(alias="next", max_length=4000)] = START
) -> Response:
    """A form that takes a token."""
    if request.state.principal is ANONYMOUS:
        return RedirectResponse(_own(target), 303)
    # A strict cookie is not sent when a link on another site leads here, nor when that link is
    # redirected; a page of our own that goes on by itself gets it sent.
    linked = request.headers.get("sec-fetch-site") == "cross-site"
    return _form(request, target, forward=linked)


@router.post("/sign-in")
@needs(None)
async def sign_in(request: Request, shared: Shared, fields: Fields) -> Response:
    """Check the token and begin a session; the page that was asked for comes next."""
    target = fields.get("next", START)
    text = fields.get("token", "").strip()
    policy: Policy = request.app.state.policy
    refusals: Refusals = request.app.state.refusals
    refusals.check(request, text)
    try:
        session = await run_in_threadpool(_begin, shared, text, policy.session_seconds)
    except TokenRefusedError as error:
        refusals.note(request, text, is_right=False)
        return _form(request, target, 401, wrong=str(error))
    response = RedirectResponse(_own(target), 303)
    cookies.put(request, response, session, policy.session_seconds)
    return response


@router.post("/sign-out")
@needs(None)
async def sign_out(request: Request, shared: Shared, fields: Fields) -> Response:
    """End the session, here and in the database."""
    session = cookies.session_of(request)
    if session is not None:
        if not cookies.same(fields.get("csrf"), session):
            remedy = "Load the page again, then sign out."
            problem = FieldProblem("csrf", "It is missing or wrong.", remedy)
            raise ProblemError(403, "csrf", "CSRF token missing", problem)
        await run_in_threadpool(shared.storage.sessions.close, session)
    response = RedirectResponse("/sign-in", 303)
    cookies.drop(request, response)
    return response


def _begin(shared: Context, text: str, seconds: float) -> str:
    token = shared.storage.tokens.authenticate(text)
    shared.storage.tokens.note_use(token)
    log.info("signed in", token_id=token.id)
    return shared.storage.sessions.open(token, seconds)


def _form(request: Request, target: str, status: int = 200, **values: Any) -> Response:
    given = {"wrong": "", "forward": False, **values}
    return page(request, "sign_in.html", status, target=_own(target), **given)


def _own(target: str) -> str:
    """An address of this server, so that a link to the sign-in page cannot lead elsewhere."""
    try:
        parsed = urlsplit(target)
    except ValueError:
        return START
    odd = "\\" in target or not target.isprintable() or target.startswith(("//", "/sign-"))
    if odd or parsed.scheme or parsed.netloc or not target.startswith("/"):
        return START
    return target
