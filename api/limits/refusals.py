"""Refusals by a limit: what was too much, what is allowed, which variable says so."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from reglab.api.problems import Problem, answer_problem
from reglab.core.errors import FieldProblem
from reglab.core.settings.limits import Limits

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
) -> Problem:
    """The problem of a limit, with ``Retry-After`` where the same may be allowed later.

    Args:
        limits: This server's.
        name: Field of ``Limits``.
        field: Dotted path of what was too much.
        detail: How much it was, a sentence.
        remedy: What would be right, a sentence.
        retry_seconds: For a 429: when to try again.
    """
    row = limits.row(name)
    kind, title = TITLES[row.status]
    headers = {"Retry-After": str(max(1, round(retry_seconds)))} if row.status == 429 else None
    problem = FieldProblem(field, detail, f"{remedy} {limits.told(name)}")
    return Problem(row.status, kind, title, problem, headers)


def check_values(limits: Limits, values: int, field: str, remedy: str) -> None:
    """Refuse a JSON answer of more numbers than ``answer_values``."""
    if values > limits.answer_values:
        detail = f"The answer would hold {values} numbers."
        raise refusal(limits, "answer_values", field, detail, remedy)


async def send_problem(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with a problem from where the app's own handlers do not reach."""
    await answer_problem(Request(scope), problem)(scope, receive, send)
