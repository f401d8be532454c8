"""Errors as application/problem+json (RFC 9457): the field, what was wrong, what would be right."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from reglab.core.errors import DatasetUnavailableError, FieldProblem, FieldProblemError, ReglabError
from reglab.core.settings.base import MOST_SHOWN
from reglab.core.spec import MAX_PROBLEMS, dotted, shown
from reglab.core.storage import (
    KeyConflictError,
    NotFoundError,
    StorageUnavailableError,
    WrongStateError,
)

MEDIA_TYPE = "application/problem+json"
log = structlog.get_logger("reglab.api")


class FieldError(BaseModel):
    """One error of one field."""

    field: str = Field(description="Dotted path of the field.", examples=["regularization.l2"])
    detail: str = Field(description="Description of the error.", examples=["Got -1."])
    remedy: str = Field(
        description="How to correct it.",
        examples=["Input should be greater than or equal to 0."],
    )


class ProblemDocument(BaseModel):
    """The body of every error."""

    type: str = Field(description="Kind of problem, a URI.", examples=["urn:reglab:invalid"])
    title: str = Field(description="Kind of problem in words.", examples=["Invalid request"])
    status: int = Field(description="HTTP status.", examples=[422])
    detail: str = Field(
        description="Description of the problem.", examples=["regularization.l2: Got -1."]
    )
    instance: str = Field(description="The request's path.", examples=["/v1/experiments"])
    request_id: str = Field(
        description="Id of the request, for bug reports.", examples=["01a20e8c-cfe5-759a"]
    )
    errors: list[FieldError] = Field(description="One entry per faulty field; may be empty.")


class ProblemError(ReglabError):
    """Raise this in a handler to answer with a problem document."""

    def __init__(
        self,
        status: int,
        kind: str,
        title: str,
        problems: Sequence[FieldProblem] | FieldProblem,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.status, self.kind, self.title = status, kind, title
        self.problems = [problems] if isinstance(problems, FieldProblem) else list(problems)
        self.headers = headers
        super().__init__(title)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI entries of the problems that a route may answer with."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in (*statuses, 500)
    }


def not_found(what: str, name: str, remedy: str) -> ProblemError:
    """404 for a named thing."""
    detail = f"There is no {what} '{_beginning(name)}'."
    return ProblemError(404, "not-found", "Not found", FieldProblem(what, detail, remedy))


def _beginning(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 3]}..."


def install(app: FastAPI) -> None:
    """Answer every error of the app as a problem document."""
    app.add_exception_handler(ProblemError, _on_problem)  # type: ignore[arg-type]
    app.add_exception_handler(FieldProblemError, _on_field_problem)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _on_validation)  # type: ignore[arg-type]
    app.add_exception_handler(HTTPException, _on_http)  # type: ignore[arg-type]
    app.add_exception_handler(NotFoundError, on_storage)
    app.add_exception_handler(WrongStateError, on_storage)
    app.add_exception_handler(KeyConflictError, on_storage)
    app.add_exception_handler(StorageUnavailableError, on_storage)


def answer(
    request: Request,
    status: int,
    kind: str,
    title: str,
    problems: Sequence[FieldProblem],
    headers: dict[str, str] | None = None,
) -> Response:
    """The problem document as a response."""
    document = ProblemDocument(
        type=f"urn:reglab:{kind}",
        title=title,
        status=status,
        detail=" ".join(str(problem) for problem in problems) or title,
        instance=request.url.path,
        request_id=getattr(request.state, "request_id", ""),
        errors=[FieldError(field=p.path, detail=p.detail, remedy=p.remedy) for p in problems],
    )
    return JSONResponse(document.model_dump(), status, headers, media_type=MEDIA_TYPE)


def answer_problem(request: Request, problem: ProblemError) -> Response:
    """A problem as the response that tells it."""
    return answer(
        request, problem.status, problem.kind, problem.title, problem.problems, problem.headers
    )


def fault(request: Request, error: Exception) -> Response:
    """A fault of ours: logged once with its request id; nothing inside is shown."""
    log.error("fault", path=request.url.path, method=request.method, exc_info=error)
    problem = FieldProblem(
        "", "The server made a mistake.", "Try again; report the request id if it stays."
    )
    return answer(request, 500, "fault", "Internal error", [problem])


async def _on_problem(request: Request, error: ProblemError) -> Response:
    return answer_problem(request, error)


async def _on_field_problem(request: Request, error: FieldProblemError) -> Response:
    if isinstance(error, DatasetUnavailableError):
        return answer(request, 422, "dataset-unavailable", "Dataset unavailable", error.problems)
    return answer(request, 422, "invalid", "Invalid request", error.problems)


async def _on_validation(request: Request, error: RequestValidationError) -> Response:
    problems = []
    for item in error.errors()[:MAX_PROBLEMS]:
        place, *rest = item["loc"]
        path = dotted(tuple(rest)) or str(place)
        if item["type"] == "json_invalid":
            problem = FieldProblem("body", "The body is not JSON.", "Send one JSON object.")
            return answer(request, 400, "bad-json", "Bad JSON", [problem])
        told = shown(item.get("input"))
        message = item["msg"].removeprefix("Value error, ").rstrip(".") + "."
        problems.append(FieldProblem(path, f"Got {told}.", message))
    return answer(request, 422, "invalid", "Invalid request", problems)


async def _on_http(request: Request, error: HTTPException) -> Response:
    title = HTTPStatus(error.status_code).phrase
    if error.status_code == 404:
        remedy = "See /docs for all paths."
        problem = FieldProblem(
            "path", f"There is nothing at {_beginning(request.url.path)}.", remedy
        )
    elif error.status_code == 405:
        allowed = ", ".join(_methods(request))
        problem = FieldProblem("method", f"{request.method} is not allowed.", f"Use {allowed}.")
        return answer(request, 405, "method-not-allowed", title, [problem], {"Allow": allowed})
    else:
        problem = FieldProblem("", str(error.detail), "")
    kind = title.lower().replace(" ", "-")
    headers = dict(error.headers) if error.headers else None
    return answer(request, error.status_code, kind, title, [problem], headers)


def _methods(request: Request) -> list[str]:
    """Methods of all routes at this path; the framework names those of the first one only."""
    found: set[str] = set()
    for context in iter_route_contexts(request.app.routes):
        if context.matches(request.scope)[0] is not Match.NONE:
            found |= context.methods or {"GET"}
    return sorted(found | {"HEAD"} if "GET" in found else found)


async def on_storage(request: Request, error: Exception) -> Response:
    """What storage raises on purpose, as a response."""
    if isinstance(error, NotFoundError):
        problem = FieldProblem("id", str(error), "List what there is with GET /v1/experiments.")
        return answer(request, 404, "not-found", "Not found", [problem])
    if isinstance(error, WrongStateError):
        problem = FieldProblem("state", str(error), "")
        return answer(request, 409, "wrong-state", "Wrong state", [problem])
    if isinstance(error, KeyConflictError):
        problem = FieldProblem("Idempotency-Key", str(error), "Use a new key for a new request.")
        return answer(request, 409, "key-conflict", "Idempotency key conflict", [problem])
    log.error("storage unavailable", path=request.url.path, reason=str(error))
    problem = FieldProblem("", str(error), getattr(error, "remedy", ""))
    return answer(
        request, 503, "unavailable", "Storage unavailable", [problem], {"Retry-After": "5"}
    )


def wants_page(request: Request) -> bool:
    """Whether a person looks for a page, in place of a document."""
    if request.url.path.startswith(("/v1/", "/static/")):
        return False
    return "text/html" in request.headers.get("accept", "")
