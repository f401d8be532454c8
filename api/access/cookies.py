"""The cookie of a signed-in browser, and the CSRF token that goes with it."""

from __future__ import annotations

import hashlib
import hmac

from starlette.requests import Request
from starlette.responses import Response

CSRF_HEADER = "X-CSRF-Token"


def name(request: Request) -> str:
    """Under https the prefix keeps other hosts of the domain from setting the cookie."""
    return "__Host-reglab" if request.url.scheme == "https" else "reglab-session"


def session_of(request: Request) -> str | None:
    """The session's secret."""
    return request.cookies.get(name(request)) or None


def csrf_of(session: str) -> str:
    """What a page sends in ``X-CSRF-Token``; another site cannot read it, nor derive it."""
    return hmac.new(session.encode(), b"csrf", hashlib.sha256).hexdigest()


def same(given: str | None, session: str) -> bool:
    """Whether this is the session's CSRF token; compared in constant time."""
    return hmac.compare_digest((given or "").encode(), csrf_of(session).encode())


def put(request: Request, response: Response, session: str, seconds: float) -> None:
    """Give a browser its session: to this site alone, out of reach of scripts."""
    response.set_cookie(
        name(request),
        session,
        max_age=int(seconds),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def drop(request: Request, response: Response) -> None:
    """Take it away."""
    response.delete_cookie(
        name(request),
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
