"""CORS: off, unless origins are named."""

from __future__ import annotations

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from reglab.api.access.policy import Policy

METHODS = ["GET", "POST", "PATCH", "DELETE"]
SENT = ["Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID", "X-Request-ID"]
SHOWN = ["ETag", "Location", "Retry-After", "WWW-Authenticate", "X-Request-ID"]


def middlewares(policy: Policy) -> list[Middleware]:
    """Let scripts of the named origins call the API; with tokens, never with our cookie."""
    if not policy.origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=sorted(policy.origins),
            allow_methods=METHODS,
            allow_headers=SENT,
            expose_headers=SHOWN,
        )
    ]
