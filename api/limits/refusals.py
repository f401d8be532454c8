"""Refusals by a limit: what was too much, what is allowed, which variable says so."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from reglab.api.problems import ProblemError, answer_problem
from reglab.core.settings.limits import LimitExceededError, Limits

TITLES = {
    400: ("bad-json", "Bad JSON"),
    408: ("timeout", "Request timeout"),
    413: ("too-large", "Too large"),
    422: ("invalid", "Invalid request"),
    429: ("too-many", "Too many requests"),
}
RETRY_SECONDS = 30


def refusal(
    limits: Limits,
    name: str,
    field: str,
    detail: str,
    remedy: str,
    retry_seconds: float = RETRY_SECONDS,
) -> ProblemError:
    """The problem of a limit, with ``Retry-After`` where the same may be allowed later.

    Args:
        limits: This server's.
        name: Field of ``Limits``.
        field: Dotted path of what was too much.
        detail: How much it was, a sentence.
        remedy: What would be right, a sentence.
        retry_seconds: For a 429: when to try again.
    """
    return problem_of(LimitExceededError(limits, name, field, detail, remedy), retry_seconds)


def problem_of(error: LimitExceededError, retry_seconds: float = RETRY_SECONDS) -> ProblemError:
    """The answer to a limit's error."""
    status = error.row.status
    kind, title = TITLES[status]
    headers = {"Retry-After": str(max(1, round(retry_seconds)))} if status == 429 else None
    return ProblemError(status, kind, title, error.problems, headers)


async def on_limit(request: Request, error: Exception) -> Response:
    """What is raised beyond a limit, as a response."""
    assert isinstance(error, LimitExceededError)
    return answer_problem(request, problem_of(error))


def check_values(limits: Limits, values: int, field: str, remedy: str) -> None:
    """Refuse a JSON answer of more numbers than ``answer_values``."""
    if values > limits.answer_values:
        detail = f"The answer would hold {values} numbers."
        raise refusal(limits, "answer_values", field, detail, remedy)


async def send_problem(problem: ProblemError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with a problem from where the app's own handlers do not reach."""
    await answer_problem(Request(scope), problem)(scope, receive, send)
