"""What all spec models share: strict types, no unknown fields, dotted-path problems."""

from __future__ import annotations

import difflib
import functools
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from reglab.core.errors import FieldProblem

# Further ones only make the answer longer.
MAX_PROBLEMS = 50
MAX_SHOWN = 200


class SpecModel(BaseModel):
    """Strict, immutable base: unknown fields, NaN and strings for numbers are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _one_zero(cls, value: Any) -> Any:
        # -0.0 equals 0.0, but has another text, by which equal specs would differ.
        return value + 0.0 if isinstance(value, float) else value


def dotted(location: tuple[int | str, ...]) -> str:
    """``("sweep", "training.epochs", 1)`` -> ``sweep.training.epochs[1]``."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path


def field_problems(error: ValidationError, model: type[BaseModel]) -> list[FieldProblem]:
    """Turn a Pydantic error into problems that say what would be right.

    Args:
        error: As raised by ``model.model_validate``.
        model: The model that was validated; used to suggest names for unknown fields.
    """
    items = error.errors(include_url=False)
    problems = [_field_problem(item, model) for item in items[:MAX_PROBLEMS]]
    if len(items) > MAX_PROBLEMS:
        detail = f"{len(items) - MAX_PROBLEMS} more fields are wrong."
        problems.append(FieldProblem("", detail, "Mend these first."))
    return problems


def _field_problem(item: Any, model: type[BaseModel]) -> FieldProblem:
    location = tuple(part for part in item["loc"] if not _is_union_tag(part))
    path = dotted(location)
    if len(path) > MAX_SHOWN:
        path = path[: MAX_SHOWN - 3] + "..."
    kind = item["type"]
    if kind == "extra_forbidden":
        return FieldProblem(path, "Unknown field.", _suggest(str(location[-1]), location, model))
    if kind == "missing":
        return FieldProblem(path, "Required field is missing.", f"Give a value for '{path}'.")
    shown = repr(item.get("input"))
    if len(shown) > 80:
        shown = shown[:77] + "..."
    message = str(item["msg"]).removeprefix("Value error, ")
    return FieldProblem(path, f"Got {shown}.", message.rstrip(".") + ".")


def _is_union_tag(part: int | str) -> bool:
    # Pydantic puts the discriminator's value into the location; a user's path has no such part.
    from reglab.core.spec.augmentation import AUGMENTATION_NAMES
    from reglab.core.spec.dataset import DATASET_NAMES

    return part in DATASET_NAMES or part in AUGMENTATION_NAMES


def _suggest(name: str, location: tuple[int | str, ...], model: type[BaseModel]) -> str:
    known = _known_fields(location[:-1], model)
    if not known:
        return "Remove it."
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean '{near[0]}'? " if near else ""
    return f"{hint}Known here: {', '.join(sorted(known))}."


@functools.cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def _known_fields(parents: tuple[int | str, ...], model: type[BaseModel]) -> set[str]:
    schema = _schema(model)
    definitions = schema.get("$defs", {})
    nodes = [schema]
    for part in parents:
        nodes = [child for node in nodes for child in _children(node, part, definitions)]
    return {name for node in nodes for name in node.get("properties", {})}


def _children(node: dict[str, Any], part: int | str, definitions: dict[str, Any]) -> list[Any]:
    child = node.get("items" if isinstance(part, int) else "properties", {})
    if not isinstance(part, int):
        child = child.get(part, {})
    return _resolve(child, definitions)


def _resolve(node: dict[str, Any], definitions: dict[str, Any]) -> list[Any]:
    if "$ref" in node:
        return _resolve(definitions[node["$ref"].rsplit("/", 1)[-1]], definitions)
    options = node.get("anyOf") or node.get("oneOf")
    if options:
        return [found for option in options for found in _resolve(option, definitions)]
    return [node]
