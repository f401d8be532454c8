"""JSON from outside: what to look at before and after it is parsed."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from reglab.core.errors import ReglabError

STRING = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
Place = tuple[int | str, ...]


def depth_of(body: bytes) -> int:
    """Depth of a JSON text by its brackets, without parsing; 0 where there are none."""
    depth = deepest = 0
    for sign in STRING.sub(b"", body).translate(None, NO_BRACKETS):
        if sign in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest


def parse(text: bytes) -> Any:
    """As ``json.loads``, without keys given twice and what is no JSON number.

    Raises:
        RepeatedKeyError: An object has a key twice.
        ValueError: It is not JSON, or holds NaN, Infinity or a number that is too large.
    """
    return json.loads(
        text, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=unrepeated
    )


class RepeatedKeyError(ReglabError, ValueError):
    """An object has a key twice.

    Attributes:
        key: The key.
    """

    def __init__(self, key: str) -> None:
        super().__init__(f"the key '{key[:100]}' is given twice")
        self.key = key


def unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object from its members; RepeatedKeyError if two have one key."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise RepeatedKeyError(key)
        found[key] = value
    return found


def unusable_text(value: Any) -> Place | None:
    """Place of a text, or key, that no database takes: U+0000 or half of a surrogate pair."""
    for place, text in texts(value, ()):
        if "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
            return place
    return None


def texts(value: Any, place: Place) -> Iterator[tuple[Place, str]]:
    """Every text of a JSON value, keys included, with its place."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from texts(inner, (*place, at))
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield (*place, key), key
            yield from texts(inner, (*place, key))


def too_broad(value: Any, fields: int, values: int) -> tuple[Place, int] | None:
    """The first object of more fields, or list of more values, with how many it has.

    What each of a million is wrong with would take seconds to find out.
    """
    waiting: list[tuple[Place, Any]] = [((), value)]
    while waiting:
        place, node = waiting.pop()
        if not isinstance(node, dict | list):
            continue
        if len(node) > (fields if isinstance(node, dict) else values):
            return place, len(node)
        children = node.items() if isinstance(node, dict) else enumerate(node)
        waiting += [((*place, key), child) for key, child in children]
    return None


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text[:40]} is larger than any number here")
    return value
