"""The handlers behind routes, and what they declare."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.requests import HTTPConnection

from reglab.api.access.scopes import UNMATCHED, Needs, declared, needs
from reglab.api.problems import ProblemError
from reglab.core.errors import FieldProblem

# What the framework adds by itself.
FRAMEWORK = ("openapi", "custom_swagger_ui_html", "swagger_ui_redirect", "redoc_html")


def contexts(app: FastAPI) -> Iterator[RouteContext]:
    """All routes of the app, in the order in which they are tried."""
    return iter_route_contexts(app.routes)


def handler_of(context: RouteContext) -> Any:
    """A route's function, or the app of a mount."""
    return context.endpoint or context.app


def needed(connection: HTTPConnection) -> Needs:
    """What the route of a request declares."""
    context = getattr(connection.state, "matched", None)
    if context is None:
        return UNMATCHED
    found = declared(handler_of(context))
    if found is None:
        remedy = "Declare it with @needs(...) beside the route."
        problem = FieldProblem("path", "This route declares no scope.", remedy)
        raise ProblemError(403, "scope", "Scope needed", problem)
    return found


def close(app: FastAPI) -> None:
    """Declare what the framework added; RuntimeError for any other route without a declaration."""
    for context in contexts(app):
        if context.name in FRAMEWORK:
            needs("read")(handler_of(context))
        elif context.name == "static-offline-docs":
            needs(None)(handler_of(context))
    undeclared = [
        context.path for context in contexts(app) if declared(handler_of(context)) is None
    ]
    if undeclared:
        raise RuntimeError(f"Routes without @needs(...): {', '.join(map(str, undeclared))}.")
