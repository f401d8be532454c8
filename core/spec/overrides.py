"""Overrides: changes by dotted path, laid over a spec's document in whatever order they come."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reglab.core.errors import FieldProblem, SpecError
from reglab.core.spec import fields
from reglab.core.spec.experiment import ExperimentSpec
from reglab.core.spec.points import same_value

MAX_KEYS = 200
MAX_PARTS = 32
# Of a key that is too long the beginning alone.
SHOWN = 100
Path = tuple[str, ...]


@dataclass(frozen=True)
class Laid:
    """A document with overrides laid over it.

    Attributes:
        document: The result.
        dropped: Dotted paths of fields that another kind of object does not have, or has with
            other bounds, and that are therefore not in the result.
    """

    document: dict[str, Any]
    dropped: list[str] = field(default_factory=list)


def merge(base: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The document alone of ``lay``."""
    return lay(base, overrides).document


def lay(base: Mapping[str, Any], overrides: Mapping[str, Any]) -> Laid:
    """Lay overrides over a document: nested objects merge, all else replaces.

    Keys may be dotted paths (``{"training.epochs": 10}``); their order does not matter. Another
    ``name`` keeps the fields beside it that the new kind has, too, with the same bounds. A
    ``sweep`` replaces the base's; ``sweep.PATH`` sets, or by null removes, one path of it.

    Raises:
        SpecError: Too many keys or parts, one thing set twice, or a swept field set.
    """
    changes = unfold(overrides)
    laid = Laid(copy.deepcopy(dict(base)))
    sweep = changes.pop("sweep", None)
    _lay(laid.document, changes, (), laid.dropped)
    if isinstance(sweep, _Paths):
        old = laid.document.get("sweep")
        merged = {**(old if isinstance(old, dict) else {}), **sweep}
        laid.document["sweep"] = {k: v for k, v in merged.items() if v is not None}
    elif "sweep" in overrides:
        laid.document["sweep"] = copy.deepcopy(sweep)
    own = sweep if isinstance(sweep, dict) else {}
    swept = laid.document.get("sweep")
    given = dict(_leaves(changes, ()))
    if isinstance(swept, dict):
        check_swept({path: swept[path] for path in swept if path not in own}, given)
        check_swept({path: swept[path] for path in swept if path in own}, given, may_repeat=True)
    return laid


def unfold(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Overrides as nested objects, without dotted keys outside of ``sweep``.

    Raises:
        SpecError: Too many keys or parts, or one thing set twice.
    """
    counted = [0]
    return _unfold(overrides, (), counted)


def check_swept(sweep: Any, given: Mapping[Path, Any], may_repeat: bool = False) -> None:
    """Refuse values of fields that are swept, as no run would have them.

    Args:
        sweep: Of the document.
        given: Values by path.
        may_repeat: Whether a value may be the field's default or one of the swept; so where both
            were written together, perhaps by a program. A required field may then have any.

    Raises:
        SpecError: Names both places of each.
    """
    if not isinstance(sweep, dict):
        return
    check_size(sweep)
    problems = [
        _set_and_swept(".".join(at), path)
        for path in sweep
        for at in _either_way(tuple(path.split(".")), given)
        if not (may_repeat and _is_repeated(at, given[at], sweep[path]))
    ]
    if problems:
        raise SpecError(problems)


def check_size(sweep: Mapping[str, Any]) -> None:
    """Refuse too many paths, or too many parts of one, before anything is done with them."""
    if len(sweep) > MAX_KEYS:
        detail, remedy = f"It has {len(sweep)} paths.", f"Give at most {MAX_KEYS}."
        raise SpecError(FieldProblem("sweep", detail, remedy))
    for path in sweep:
        if path.count(".") >= MAX_PARTS:
            where = f"sweep.{path}"[:SHOWN] + "..."
            detail, remedy = "The path has too many parts.", f"Use at most {MAX_PARTS}."
            raise SpecError(FieldProblem(where, detail, remedy))


def given_at(document: Any, sweep: Any) -> dict[Path, Any]:
    """The values of a document at the paths of a sweep."""
    found = {}
    for path in sweep if isinstance(sweep, dict) else ():
        node = document
        parts = tuple(path.split("."))
        for part in parts:
            node = node.get(part, _MISSING) if isinstance(node, dict) else _MISSING
        if node is not _MISSING:
            found[parts] = node
    return found


class _Paths(dict[str, Any]):
    """Changes of single paths of a sweep."""


_MISSING = object()


def _unfold(changes: Mapping[str, Any], path: Path, counted: list[int]) -> dict[str, Any]:
    counted[0] += len(changes)
    if counted[0] > MAX_KEYS:
        detail = f"There are over {MAX_KEYS} changes."
        raise SpecError(FieldProblem("overrides", detail, f"Give at most {MAX_KEYS}."))
    parts = sorted((_parts(key, path), key) for key in changes)
    for (first, one), (second, other) in itertools.pairwise(parts):
        if second[: len(first)] == first:
            raise SpecError(_twice(".".join((*path, one)), ".".join((*path, other))))
    tree: dict[str, Any] = {}
    for place, key in parts:
        node = tree
        *parents, leaf = place
        for parent in parents:
            kind = _Paths if parent == "sweep" and not path else dict
            node = node.setdefault(parent, kind())
        value, where = changes[key], (*path, *place)
        is_part = isinstance(value, Mapping) and where[0] != "sweep"
        node[leaf] = _unfold(value, where, counted) if is_part else value
    return tree


def _parts(key: str, path: Path) -> Path:
    if len(path) + key.count(".") >= MAX_PARTS:
        shown = ".".join((*path, key))[:SHOWN] + "..."
        remedy = f"Use at most {MAX_PARTS}; see GET /v1/schema for the fields."
        raise SpecError(FieldProblem(shown, "The path has too many parts.", remedy))
    if not all(key.split(".")):
        detail = f"The path '{'.'.join((*path, key))[:SHOWN]}' has an empty part."
        raise SpecError(FieldProblem("overrides", detail, "Write it like 'training.epochs'."))
    if not path and key.startswith("sweep."):
        return ("sweep", key.removeprefix("sweep."))
    return tuple(key.split("."))


def _lay(node: dict[str, Any], changes: dict[str, Any], path: Path, dropped: list[str]) -> None:
    _fit_kind(node, changes, path, dropped)
    for name, new in changes.items():
        old, where = node.get(name), (*path, name)
        if isinstance(new, dict):
            if isinstance(old, str) and fields.kinds(ExperimentSpec, where):
                # A name alone stands for its defaults.
                old = {"name": old}
            node[name] = old if isinstance(old, dict) else {}
            _lay(node[name], new, where, dropped)
        else:
            if isinstance(old, dict) and isinstance(new, str):
                dropped += [".".join((*where, field)) for field in sorted(old) if field != "name"]
            node[name] = copy.deepcopy(new)


def _fit_kind(
    node: dict[str, Any], changes: dict[str, Any], path: Path, dropped: list[str]
) -> None:
    """Take out what another kind of object has not, or has with other bounds."""
    kinds = fields.kinds(ExperimentSpec, path) if path and "name" in changes else {}
    before, after = node.get("name", _default_kind(kinds)), changes.get("name")
    if not (isinstance(before, str) and isinstance(after, str) and {before, after} <= set(kinds)):
        return
    old, new = kinds[before], kinds[after]
    for name in sorted(set(node) & set(old)):
        if name != "name" and old[name] != new.get(name):
            del node[name]
            if name not in changes:
                dropped.append(".".join((*path, name)))


def _default_kind(kinds: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The kind of an object that does not name one."""
    return next(
        (name for name, properties in kinds.items() if "default" in properties["name"]), None
    )


def _leaves(tree: dict[str, Any], path: Path) -> Iterator[tuple[Path, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name), value


def _either_way(swept: Path, given: Mapping[Path, Any]) -> list[Path]:
    """Of the given paths those that are the swept one, contain it, or are in it."""
    return [at for at in given if all(a == b for a, b in zip(swept, at, strict=False))]


def _is_repeated(at: Path, value: Any, values: Any) -> bool:
    known = fields.defaults(ExperimentSpec, at)
    known += values if isinstance(values, list) else []
    return fields.is_required(ExperimentSpec, at) or any(same_value(value, one) for one in known)


def _twice(one: str, other: str) -> FieldProblem:
    remedy = f"Leave out one of '{one[:SHOWN]}' and '{other[:SHOWN]}'."
    return FieldProblem(other[:SHOWN], "It is set twice.", remedy)


def _set_and_swept(path: str, swept: str) -> FieldProblem:
    detail = f"It is set, and swept by 'sweep.{swept}', so that no run would have this value."
    remedy = f'Leave it out, or give "sweep.{swept}": [...] with the values to try, or end this '
    remedy += f'sweep with "sweep.{swept}": null, or all with "sweep": {{}}.'
    return FieldProblem(path, detail, remedy)
