"""What the API reference says of access: how to sign requests, and the scope of each."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from reglab.api import problems
from reglab.api.access.policy import Policy
from reglab.api.access.routes import contexts, handler_of
from reglab.api.access.scopes import declared

SCHEMES: dict[str, Any] = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "Made with `reglab tokens create`. Scopes: read, submit, admin; each "
        "includes those before it. A server on loopback asks for none.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "reglab-session",
        "description": "A browser that has signed in (under https: `__Host-reglab`). What changes "
        "something needs the header `X-CSRF-Token` of the page too.",
    },
}
NONE: dict[str, list[str]] = {}


def declare(document: dict[str, Any], app: FastAPI, policy: Policy) -> dict[str, Any]:
    """Add schemes, scopes and refusals to an OpenAPI document; returns the same."""
    document["components"]["securitySchemes"] = SCHEMES
    for context in contexts(app):
        for method in context.methods or ():
            operation = document["paths"].get(context.path_format, {}).get(method.lower())
            found = declared(handler_of(context))
            if operation is None or found is None:
                continue
            scope = found.under(policy)
            if scope is None:
                operation["security"] = []
                continue
            ways = [{"token": [scope]}, {"session": [scope]}]
            operation["security"] = ways if policy.needs_tokens else [NONE, *ways]
            for status, response in problems.responses(401, 403).items():
                operation["responses"].setdefault(str(status), response)
    return document
