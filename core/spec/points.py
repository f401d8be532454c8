"""Points of a sweep: what makes two of them the same, and what they are called."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

Point = Mapping[str, Any]

SYMBOLS = {
    "regularization.l2": "λ₂",
    "regularization.l1": "λ₁",
    "regularization.dropout": "p",
    "regularization.label_smoothing": "ε",
    "dataset.train_size": "training size",
}
# A double is told from its neighbours by so many digits.
MOST_DIGITS = 17


def resolved(spec: BaseModel | Mapping[str, Any], point: Point) -> dict[str, Any]:
    """The values of a validated spec at the paths of a sweep point, as JSON has them.

    Numbers have the type of their field, and objects their defaults, whatever was submitted. A path
    that the spec does not have keeps the value given.
    """
    return {path: _value_at(spec, path, given) for path, given in point.items()}


def point_key(point: Point) -> str:
    """Equal for two sweep points of equal resolved values, in whatever order their paths are.

    Numbers that are equal are alike: 0, 0.0 and -0.0.
    """
    return json.dumps(_canonical(dict(point)), sort_keys=True)


def same_value(one: Any, other: Any) -> bool:
    """Whether two values are alike as JSON; equal numbers are, such as 0 and 0.0."""
    return _key(one) == _key(other)


def labels(points: Sequence[Point], unswept: str = "run", plain: bool = False) -> list[str]:
    """What each of a set of sweep points is called: as short as tells the set apart.

    Equal points have equal labels, and different points different ones.

    Args:
        points: Resolved values by dotted path.
        unswept: What a point without any path is called.
        plain: Fields by their names alone, and no spaces around the sign: ``l2=0.01``.
    """
    paths = list(dict.fromkeys(path for point in points for path in point))
    names = _names(paths, {} if plain else SYMBOLS)
    equals = "=" if plain else " = "
    texts = {path: _texts([point[path] for point in points if path in point]) for path in paths}
    return [
        ", ".join(
            f"{names[path]}{equals}{texts[path][_key(value)]}" for path, value in point.items()
        )
        or unswept
        for point in points
    ]


def _value_at(node: Any, path: str, given: Any) -> Any:
    for part in path.split("."):
        if isinstance(node, Mapping) and part in node:
            node = node[part]
        elif isinstance(node, BaseModel) and part in type(node).model_fields:
            node = getattr(node, part)
        else:
            return given
    return node.model_dump(mode="json") if isinstance(node, BaseModel) else node


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _canonical(child) for name, child in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(child) for child in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _key(value: Any) -> str:
    return json.dumps(_canonical(value), sort_keys=True)


def _names(paths: Sequence[str], symbols: Mapping[str, str]) -> dict[str, str]:
    for parts in range(1, max((path.count(".") for path in paths), default=0) + 2):
        names = {path: symbols.get(path) or _last(path, parts) for path in paths}
        if len(set(names.values())) == len(names):
            return names
    return {path: path for path in paths}


def _last(path: str, parts: int) -> str:
    return ".".join(path.split(".")[-parts:]).replace("_", " ")


def _texts(values: Sequence[Any]) -> dict[str, str]:
    """By key of the value, the shortest texts that differ where the values do."""
    distinct = {_key(value): value for value in values}
    for digits in range(6, MOST_DIGITS + 1):
        texts = {key: _text(value, digits) for key, value in distinct.items()}
        if len(set(texts.values())) == len(texts):
            return texts
    texts = {key: _text(value, MOST_DIGITS) for key, value in distinct.items()}
    for text in set(texts.values()):
        alike = {key: distinct[key] for key in distinct if texts[key] == text}
        if len(alike) > 1:
            texts |= _described(text, alike)
    # Whatever still coincides is told apart by its whole JSON text.
    return texts if len(set(texts.values())) == len(texts) else {key: key for key in distinct}


def _described(name: str, alike: Mapping[str, Any]) -> dict[str, str]:
    """Objects of one name, with the fields in which they differ."""
    if not all(isinstance(value, Mapping) for value in alike.values()):
        return dict(zip(alike, alike, strict=True))
    fields = dict.fromkeys(field for value in alike.values() for field in value)
    differing = [
        field for field in fields if len({_key(value.get(field)) for value in alike.values()}) > 1
    ]
    parts = {field: _texts([value.get(field) for value in alike.values()]) for field in differing}
    return {
        key: f"{name} ({', '.join(f'{f} = {parts[f][_key(value.get(f))]}' for f in differing)})"
        for key, value in alike.items()
    }


def _text(value: Any, digits: int) -> str:
    if isinstance(value, Mapping):
        return str(value.get("name", "custom"))
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_text(child, digits) for child in value)}]"
    return "none" if value is None else str(value)
