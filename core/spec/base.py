"""What all spec models share: strict types, no unknown fields, dotted-path problems."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from reglab.core.errors import FieldProblem, suggestion
from reglab.core.spec import fields

# Further ones only make the answer longer.
MAX_PROBLEMS = 50
MAX_SHOWN = 200
MAX_VALUE = 80


class SpecModel(BaseModel):
    """Strict, immutable base: unknown fields, NaN and strings for numbers are errors."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    @field_validator("*")
    @classmethod
    def _one_zero(cls, value: Any) -> Any:
        # -0.0 equals 0.0, but has another text, by which equal specs would differ.
        return value + 0.0 if isinstance(value, float) else value


def is_off(value: Any) -> bool:
    """Whether a field is null, zero, false or empty.

    Of fields that came later: without them a spec has the content key of the time before.
    """
    return not value


def dotted(location: tuple[int | str, ...]) -> str:
    """``("sweep", "training.epochs", 1)`` -> ``sweep.training.epochs[1]``."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path


def fault(*paths: str, detail: str, remedy: str) -> PydanticCustomError:
    """What a validator raises where fields do not fit together.

    Args:
        paths: Dotted paths below the validated model, the one to change first at the front.
        detail: What is wrong, in a sentence.
        remedy: What would be right, in a sentence.
    """
    context = {"paths": paths, "detail": detail, "remedy": remedy}
    return PydanticCustomError("fault", "{detail} {remedy}", context)


def field_problems(error: ValidationError, model: type[BaseModel]) -> list[FieldProblem]:
    """Turn a Pydantic error into problems that say what would be right.

    Args:
        error: As raised by ``model.model_validate``.
        model: The model that was validated; used to suggest names for unknown fields.
    """
    items = error.errors(include_url=False)
    problems = [_field_problem(item, model) for item in items[:MAX_PROBLEMS]]
    if len(items) > MAX_PROBLEMS:
        next_one = _field_problem(items[MAX_PROBLEMS], model)
        detail = f"This and {len(items) - MAX_PROBLEMS - 1} more fields are wrong."
        problems.append(FieldProblem(next_one.path, detail, "Correct the others first."))
    return problems


def shown(value: Any) -> str:
    """The beginning of a value as JSON."""
    text = ""
    for piece in json.JSONEncoder(ensure_ascii=False, default=str).iterencode(value):
        text += piece[: MAX_VALUE + 1]
        if len(text) > MAX_VALUE:
            return text[: MAX_VALUE - 3] + "..."
    return text


def _field_problem(item: Any, model: type[BaseModel]) -> FieldProblem:
    location = fields.without_tags(model, item["loc"])
    kind = item["type"]
    if kind == "fault":
        about = item["ctx"]
        path, *also = [dotted((*location, name)) for name in about["paths"]]
        return FieldProblem(path, about["detail"], about["remedy"], tuple(also))
    path = dotted(location) or "body"
    if len(path) > MAX_SHOWN:
        path = path[: MAX_SHOWN - 3] + "..."
    if kind == "extra_forbidden":
        parent = fields.kind_at(model, item["loc"][:-1])
        named = f" of {parent}" if parent else ""
        remedy = _suggest(str(location[-1]), location, model, parent)
        return FieldProblem(path, f"Unknown field{named}.", remedy)
    if kind == "union_tag_invalid":
        known = list(fields.kinds(model, location))
        given = item["input"].get("name") if isinstance(item["input"], dict) else None
        hint = suggestion(given, known) if isinstance(given, str) else ""
        return FieldProblem(
            f"{path}.name", f"There is no {shown(given)}.", f"{hint}Known: {', '.join(known)}."
        )
    if kind == "missing":
        return FieldProblem(path, "Required field is missing.", f"Give a value for '{path}'.")
    return FieldProblem(path, f"Got {shown(item.get('input'))}.", _remedy(item, path, model))


def _remedy(item: Any, path: str, model: type[BaseModel]) -> str:
    if item["type"] in ("model_type", "model_attributes_type", "dict_type"):
        kinds = list(fields.kinds(model, fields.without_tags(model, item["loc"])))
        given = item.get("input")
        name = given if given in kinds else next(iter(kinds), None)
        return f'Give an object, e.g. {{"name": "{name}"}}.' if name else "Give an object."
    if item["type"] == "list_type":
        return f"Give a list, e.g. [{shown(item.get('input'))}]."
    message = str(item["msg"]).removeprefix("Value error, ").rstrip(".") + "."
    listed = isinstance(item.get("input"), list) and item["type"] != "list_type"
    if listed and path.partition(".")[0] in fields.SWEEPABLE and "." in path:
        message += f' To try several values, sweep them: "sweep.{path}": {shown(item["input"])}.'
    return message


def _suggest(
    name: str, location: tuple[int | str, ...], model: type[BaseModel], kind: str | None
) -> str:
    kinds = fields.kinds(model, location[:-1])
    known = set(kinds[kind]) if kind in kinds else fields.known(model, location[:-1])
    place = next(fields.where_kind(model, name), None)
    if place is not None:
        what = place.rpartition(".")[2]
        article = "an" if what[0] in "aeiou" else "a"
        return f'\'{name}\' is {article} {what}: write "{place}": {{"name": "{name}"}}.'
    if not known:
        return "Remove it."
    # The field may be one level further down, as the rate is in the schedule.
    inner = [
        f"{child}.{name}"
        for child in sorted(known)
        if name in fields.known(model, (*location[:-1], child))
    ]
    hint = f"Write '{inner[0]}'. " if inner else suggestion(name, known)
    return f"{hint}Known here: {', '.join(sorted(known))}."
