"""What the OpenAPI document says beyond what the framework makes of the handlers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from reglab.api import problems
from reglab.core.settings.limits import Limits

TEMPLATE = "#/components/schemas/{model}"
# Where answers hold the ids that other calls take in their paths, and which answers these are.
BEARER = "token_id"
EXPERIMENT = {"experiment_id": "$response.body#/id", "run_id": "$response.body#/runs/0/id"}
SOURCES = {
    "submit_experiment": ("202", EXPERIMENT),
    "import_experiment": ("201", EXPERIMENT),
    "get_experiment": ("200", EXPERIMENT),
    "create_token": ("201", {BEARER: "$response.body#/id"}),
}
RETRY_AFTER = {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}

Document = dict[str, Any]


def complete(document: Document, models: tuple[type[BaseModel], ...], limits: Limits) -> Document:
    """Add models that handlers validate by hand, limits and links; changes the document."""
    components = document["components"]["schemas"]
    for model in models:
        schema = model.model_json_schema(ref_template=TEMPLATE)
        for name, definition in schema.pop("$defs", {}).items():
            components.setdefault(name, definition)
        components.setdefault(model.__name__, schema)
    _only_problems(document)
    for path, operation in _operations(document):
        if path.startswith("/v1/"):
            _refusals(operation)
        _maxima(operation, limits)
    _links(document)
    return document


def _operations(document: Document) -> Iterator[tuple[str, Document]]:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            yield path, operation


def _only_problems(document: Document) -> None:
    """Replace the framework's own error body, which this server never sends, by ours."""
    for _, operation in _operations(document):
        if "application/json" in operation["responses"].get("422", {}).get("content", {}):
            operation["responses"]["422"] = problems.responses(422)[422]
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)


def _refusals(operation: Document) -> None:
    """What any call may be answered before its handler sees it."""
    statuses = [400, 429]
    if "requestBody" in operation:
        statuses += [408, 413]
    found = operation["responses"]
    for status in statuses:
        found.setdefault(str(status), problems.responses(status)[status])
    found["429"] = {**found["429"], "headers": {"Retry-After": RETRY_AFTER}}
    operation["responses"] = dict(sorted(found.items()))


def _maxima(operation: Document, limits: Limits) -> None:
    most = {"dpi": limits.figure_dpi, "width": limits.figure_width}
    for parameter in operation.get("parameters", []):
        if parameter["name"] in most and parameter["in"] == "query":
            schema = parameter["schema"]
            # A parameter that may be left out is a number or null.
            bounded = schema["anyOf"][0] if "anyOf" in schema else schema
            bounded["maximum"] = most[parameter["name"]]


def _links(document: Document) -> None:
    """From an answer that holds ids to every call that takes one of them alone."""
    takers = [(re.findall(r"{(\w+)}", path), one) for path, one in _operations(document)]
    for _, operation in _operations(document):
        if operation["operationId"] not in SOURCES:
            continue
        status, ids = SOURCES[operation["operationId"]]
        operation["responses"][status]["links"] = {
            taker["operationId"]: {
                "operationId": taker["operationId"],
                "parameters": {names[0]: ids[names[0]]},
            }
            for names, taker in takers
            if len(names) == 1 and names[0] in ids
        }
