"""What is typed after --set and --seeds, read by the type of the field it is meant for."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import typer

from reglab.core.spec import ExperimentSpec

MOST_SEEDS = 1000
# An integer of more digits than this fits no field.
MOST_DIGITS = 30
WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
SEEDS_HELP = (
    "A number alone is how many: 10 is 0-9. Lists name them: 0,1,7 or 5-9; one alone: 10-10. "
    "Each makes a run of every point."
)
Node = dict[str, Any]


def parse_changes(items: Sequence[str]) -> dict[str, Any]:
    """``["training.epochs=1e3", ...]`` -> ``{"training.epochs": 1000, ...}``."""
    changes: dict[str, Any] = {}
    for item in items:
        path, separator, text = item.partition("=")
        path = path.strip()
        if not separator or not path:
            raise typer.BadParameter(f"'{item}' is not PATH=VALUE.", param_hint="--set")
        if path in changes:
            raise typer.BadParameter(f"'{path}' is given twice.", param_hint="--set")
        changes[path] = read_value(path, text)
    return changes


def read_value(path: str, text: str) -> Any:
    """The value of a field, from text; what its type does not tell is JSON, else text."""
    if path == "seeds" and not text.lstrip().startswith("["):
        return parse_seeds(text, "--set")
    if path.startswith("sweep."):
        if text.strip().lower() in ("null", "none"):
            return None
        nodes = [{"type": "array", "items": node} for node in _nodes(path.removeprefix("sweep."))]
    else:
        nodes = _nodes(path)
    return _read(text, nodes)


def parse_seeds(text: str, option: str = "--seeds") -> list[int]:
    """``3`` -> ``[0, 1, 2]``, a number of seeds; ``0,1,4-6`` and ``[0, 1]`` name them."""
    listed = text.strip().removeprefix("[").removesuffix("]")
    try:
        parts = [part.strip().partition("-") for part in listed.split(",")]
        spans = [(int(first), int(last if dash else first)) for first, dash, last in parts]
        if listed == text.strip() and len(spans) == 1 and not parts[0][1]:
            spans = [(0, spans[0][0] - 1)]
        if any(last < first for first, last in spans):
            raise ValueError
    except ValueError:
        message = f"'{text[:60]}' are no seeds; use 3 for three of them, 0,1,7 or 0-9 to name them."
        raise typer.BadParameter(message, param_hint=option) from None
    # Counted before any is made.
    count = sum(last - first + 1 for first, last in spans)
    if count > MOST_SEEDS:
        message = f"'{text[:60]}' are {count:,} seeds; use at most {MOST_SEEDS:,}."
        raise typer.BadParameter(message, param_hint=option)
    return [seed for first, last in spans for seed in range(first, last + 1)]


def _read(text: str, nodes: Sequence[Node]) -> Any:
    kinds = {kind for node in nodes for kind in _kinds(node)}
    stripped = text.strip()
    if "null" in kinds and stripped.lower() in ("null", "none"):
        return None
    if "boolean" in kinds and stripped.lower() in WORDS:
        return WORDS[stripped.lower()]
    if kinds & {"integer", "number"}:
        number = _number(stripped, whole="number" not in kinds)
        if number is not None:
            return number
    if "string" in kinds and not stripped.startswith('"'):
        return text
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = text
    if kinds == {"array"} and not isinstance(found, list | dict):
        items = [node["items"] for node in nodes if "items" in node]
        return [_read(part, items) for part in text.split(",")]
    return found


def _number(text: str, whole: bool) -> int | float | None:
    """The number, an int where it is written or wanted so; None if it is none."""
    try:
        exact = Decimal(text)
    except InvalidOperation:
        return None
    if not exact.is_finite() or exact.adjusted() > MOST_DIGITS:
        return None
    if text.lstrip("+-").isdigit() or (whole and exact == exact.to_integral_value()):
        return int(exact)
    number = float(exact)
    return number if math.isfinite(number) else None


@functools.cache
def _schema() -> Node:
    return ExperimentSpec.model_json_schema()


def _nodes(path: str) -> list[Node]:
    """Schemas of all fields that the path may mean, one for each kind of dataset and so on."""
    nodes = [_schema()]
    for part in path.split("."):
        found = [node.get("properties", {}).get(part) for node in nodes]
        nodes = [option for node in found if node for option in _options(node)]
    return nodes


def _options(node: Node) -> Iterator[Node]:
    if "$ref" in node:
        yield from _options(_schema()["$defs"][node["$ref"].rpartition("/")[2]])
    elif "anyOf" in node or "oneOf" in node:
        for option in node.get("anyOf") or node["oneOf"]:
            yield from _options(option)
    else:
        yield node


def _kinds(node: Node) -> set[str]:
    if "type" in node:
        return {node["type"]}
    return {"string"} if isinstance(node.get("const"), str) or "enum" in node else set()
