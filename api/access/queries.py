"""The query of a request against the parameters that its route declares."""

from __future__ import annotations

from typing import Any, get_args, get_origin
from urllib.parse import parse_qsl, unquote_to_bytes

from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query
from fastapi.routing import RouteContext

from reglab.api.problems import ProblemError
from reglab.core.errors import FieldProblem, suggestion

MAX_PROBLEMS = 20


def parameters(context: RouteContext) -> dict[str, bool] | None:
    """Names of a route's query parameters, and whether each may be given again.

    None for what has no declaration: files, and pages that the framework adds.
    """
    dependant = getattr(context, "dependant", None)
    if dependant is None:
        return None
    fields = get_flat_params(dependant)
    found = [each for each in fields if isinstance(each.field_info, Query)]
    return {each.alias: _is_list(each.field_info.annotation) for each in found}


def check(query: bytes, known: dict[str, bool]) -> None:
    """Refuse what the route would ignore.

    Raises:
        ProblemError: 400 for text that is no UTF-8; 422 that names unknown parameters, and those
            that are given twice.
    """
    try:
        unquote_to_bytes(query).decode()
    except UnicodeDecodeError as error:
        problem = FieldProblem("query", "It is no UTF-8.", "Encode text as UTF-8, then as %XX.")
        raise ProblemError(400, "bad-text", "Bad text", problem) from error
    names = [name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True)]
    problems = [_unknown(name, known) for name in dict.fromkeys(names) if name not in known]
    for name, is_list in known.items():
        if not is_list and names.count(name) > 1:
            detail = f"It is given {names.count(name)} times."
            problems.append(FieldProblem(name, detail, "Give it once."))
    if problems:
        raise ProblemError(422, "invalid", "Invalid request", problems[:MAX_PROBLEMS])


def _unknown(name: str, known: dict[str, bool]) -> FieldProblem:
    shown = name if len(name) <= 100 and name.isprintable() else "query"
    if not known:
        return FieldProblem(shown, "Unknown parameter.", "This call has no parameters.")
    remedy = f"{suggestion(name, known)}Known here: {', '.join(sorted(known))}."
    return FieldProblem(shown, "Unknown parameter.", remedy)


def _is_list(annotation: Any) -> bool:
    if get_origin(annotation) is list or annotation is list:
        return True
    return any(_is_list(part) for part in get_args(annotation))
