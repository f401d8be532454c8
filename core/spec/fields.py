"""Where a model's JSON schema has a field: its parts, kinds, default and whether it is required."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel

Node = dict[str, Any]
Part = int | str
# Parts of a spec that a sweep may vary.
SWEEPABLE = ("dataset", "model", "optimizer", "regularization", "training", "probes")


@functools.cache
def schema(model: type[BaseModel]) -> Node:
    """The model's JSON schema, made once."""
    return model.model_json_schema()


def nodes(model: type[BaseModel], path: Sequence[Part]) -> list[Node]:
    """Schemas of all that a field may hold; several where objects are told apart by ``name``."""
    found = [schema(model)]
    for part in path:
        found = [node for parent in found for node in children(parent, part, model)]
    return found


def known(model: type[BaseModel], path: Sequence[Part]) -> set[str]:
    """Names of the fields that an object at this path may have."""
    return {name for node in nodes(model, path) for name in node.get("properties", {})}


def kinds(model: type[BaseModel], path: Sequence[Part]) -> dict[str, dict[str, Node]]:
    """By ``name``, the fields of each kind of object at this path; empty where there is one."""
    found = {}
    for node in nodes(model, path):
        properties = node.get("properties", {})
        if "const" in properties.get("name", {}):
            found[properties["name"]["const"]] = properties
    return found


def is_required(model: type[BaseModel], path: Sequence[str]) -> bool:
    """Whether the field has no default."""
    return any(path[-1] in node.get("required", ()) for node in nodes(model, path[:-1]))


def defaults(model: type[BaseModel], path: Sequence[str]) -> list[Any]:
    """Defaults of the field, one for each kind of object that it may be in."""
    found = [node.get("properties", {}).get(path[-1], {}) for node in nodes(model, path[:-1])]
    return [node["default"] for node in found if "default" in node]


def without_tags(model: type[BaseModel], location: Sequence[Part]) -> tuple[Part, ...]:
    """A location in a Pydantic error as a user's path: without the names that tell kinds apart."""
    path: list[Part] = []
    is_tag_next = False
    for part in location:
        if is_tag_next and part in kinds(model, path):
            is_tag_next = False
            continue
        path.append(part)
        is_tag_next = True
    return tuple(path)


def kind_at(model: type[BaseModel], location: Sequence[Part]) -> str | None:
    """The kind of object that a location in a Pydantic error leads to, if kinds are told apart."""
    path = without_tags(model, location[:-1]) if location else ()
    last = location[-1] if location else None
    return last if isinstance(last, str) and last in kinds(model, path) else None


def where_kind(model: type[BaseModel], name: str) -> Iterator[str]:
    """Dotted paths of the fields that may hold an object of this ``name``."""
    yield from _search(model, name, ())


def _search(model: type[BaseModel], name: str, path: tuple[str, ...]) -> Iterator[str]:
    if name in kinds(model, path):
        yield ".".join(path)
    elif len(path) < 3:
        for child in sorted(known(model, path)):
            if child != "sweep":
                yield from _search(model, name, (*path, child))


def children(node: Node, part: Part, model: type[BaseModel]) -> list[Node]:
    """Schemas of what one part of a path below a schema may hold."""
    child = node.get("items" if isinstance(part, int) else "properties", {})
    return _options(child if isinstance(part, int) else child.get(part, {}), model)


def _options(node: Node, model: type[BaseModel]) -> list[Node]:
    if "$ref" in node:
        return _options(schema(model)["$defs"][node["$ref"].rsplit("/", 1)[-1]], model)
    options = node.get("anyOf") or node.get("oneOf")
    if options:
        return [found for option in options for found in _options(option, model)]
    return [node]
