"""Requests that another site makes a browser send: by a wrong name, or across sites."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from starlette.requests import Request

from reglab.api.access.policy import Policy
from reglab.api.access.scopes import SAFE, Needs
from reglab.api.problems import ProblemError
from reglab.core.errors import FieldProblem

PORTS = {"http": 80, "https": 443}
HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


def check_name(request: Request, policy: Policy, needs: Needs) -> None:
    """421 unless the server is called by a name of its own.

    It stops DNS rebinding, in which a page's own name is made to point at this server.
    """
    given = request.headers.get("host", "")
    # Only what a browser could send: readers of other texts disagree about them.
    name = (_parts(f"//{given}")[0] or "") if HOST.fullmatch(given) else ""
    # Supervisors call by whatever address a container has today; open probes tell nothing.
    if policy.answers_to(name) or (needs.probe and needs.scope is None):
        return
    detail = f"This server is not called '{given[:100]}'."
    remedy = (
        "Use http://127.0.0.1 or http://localhost, or add the name to REGLAB_ALLOWED_HOSTS; "
        "behind a proxy set REGLAB_ACCESS=tokens too."
    )
    raise ProblemError(421, "wrong-host", "Wrong host", FieldProblem("Host", detail, remedy))


def check_origin(request: Request, policy: Policy) -> None:
    """403 for what a page of another site makes a browser send, links to our pages excepted.

    Whoever sends a token by himself is no browser that was tricked; where no token is asked for, a
    header says nothing.
    """
    if "authorization" in request.headers and policy.asks(request):
        return
    origin = request.headers.get("origin")
    if origin is not None and (origin.lower() in policy.origins or _own(request, origin)):
        return
    site = request.headers.get("sec-fetch-site", "none")
    if request.method in SAFE:
        # Between ports of one machine reading is common: notebooks show figures.
        linked = request.headers.get("sec-fetch-mode") == "navigate"
        foreign = site == "cross-site" and not linked
    else:
        foreign = origin is not None or site in ("cross-site", "same-site")
    if foreign:
        detail = f"The request comes from another site ({(origin or site)[:100]})."
        remedy = "Add its origin to REGLAB_CORS_ORIGINS if it may use this server."
        problem = FieldProblem("Origin", detail, remedy)
        raise ProblemError(403, "foreign-origin", "Foreign origin", problem)


def _own(request: Request, origin: str) -> bool:
    """Whether a page of this server sent it; the scheme may differ behind a proxy."""
    scheme = urlsplit(origin).scheme
    host, port = _parts(origin)
    own, own_port = _parts(f"//{request.headers.get('host', '')}")
    default = PORTS.get(scheme)
    return host is not None and (host, port or default) == (own, own_port or default)


def _parts(address: str) -> tuple[str | None, int | None]:
    try:
        parsed = urlsplit(address)
        return parsed.hostname, parsed.port
    except ValueError:
        return None, None
