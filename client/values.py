"""Python values as the JSON that a server reads; what has no one meaning there is refused."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePath
from typing import Any

from pydantic import BaseModel

from reglab.client.errors import InvalidValueError

MOST_PARTS = 64
# Far more than any list of a spec may hold.
MOST_VALUES = 1_000_000
# Ordered, and read as often as needed.
SEQUENCES: tuple[type, ...] = (list, tuple, range, type({}.keys()), type({}.values()))
REMEDIES: tuple[tuple[type, str, str], ...] = (
    (PurePath, "a path", "Give text: str(path). A spec in a file is given alone: submit(path)."),
    (set, "a set, which has no order", "Give a list, e.g. sorted(values)."),
    (frozenset, "a set, which has no order", "Give a list, e.g. sorted(values)."),
    (bytes, "bytes", "Give text, e.g. value.decode()."),
    (complex, "a complex number", "Give a real number."),
)


def json_value(value: Any, field: str = "") -> Any:
    """The value as None, bool, int, float, str, list or dict.

    NumPy's scalars and arrays (and whatever else has ``tolist``), ranges, tuples, fractions,
    decimals and Pydantic models are taken.

    Args:
        value: What was given.
        field: Its dotted path, for the error.

    Raises:
        InvalidValueError: It has no one meaning as JSON: NaN, a set, a path, a generator, ...
    """
    if field.count(".") + field.count("[") > MOST_PARTS:
        raise InvalidValueError(field[:60] + "...", "Nested too deeply, or in itself.", "")
    if value is None or isinstance(value, bool):
        return value
    for kinds, read in READERS:
        if isinstance(value, kinds):
            return read(value, field)
    return _foreign(value, field)


def seconds(value: Any, field: str) -> float | None:
    """A time to wait; None is for ever.

    Raises:
        InvalidValueError: It is no number of seconds.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if value is not None and not (is_number and value >= 0):
        remedy = "Give a number of seconds, or None for no limit."
        raise InvalidValueError(field, f"Got {value!r}.", remedy)
    return None if value is None else float(value)


def _model(value: BaseModel, field: str) -> Any:
    # Defaults are the server's to fill in: it may be of another version.
    return json_value(value.model_dump(exclude_unset=True), field)


def _mapping(value: Mapping[Any, Any], field: str) -> dict[str, Any]:
    return {_key(name, field): json_value(item, _at(field, name)) for name, item in value.items()}


def _sequence(value: Iterable[Any], field: str) -> list[Any]:
    # A range takes no memory before it is laid out; its length may be beyond that of a list.
    if isinstance(value, range) and value[MOST_VALUES:]:
        raise InvalidValueError(field, f"Got {value}.", f"Give at most {MOST_VALUES:,} values.")
    return [json_value(item, f"{field}[{at}]") for at, item in enumerate(value)]


def _foreign(value: Any, field: str) -> Any:
    # NumPy, pandas, PyTorch, JAX: the method is what they share, and none is imported for it.
    for name in ("tolist", "to_list"):
        if callable(method := getattr(value, name, None)) and not isinstance(value, type):
            found = method()
            if type(found) is not type(value):
                return json_value(found, field)
    for kind, said, remedy in REMEDIES:
        if isinstance(value, kind):
            raise InvalidValueError(field, f"Got {said}.", remedy)
    raise InvalidValueError(
        field,
        f"Got a value of type '{type(value).__name__}'.",
        "Give a number, text, a list or a dict; a generator as list(values).",
    )


def _text(value: str, field: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidValueError(
            field, f"Got {value!a}.", "Give text without lone surrogates."
        ) from None
    return str(value)


def _integer(value: int, field: str) -> int:
    if abs(value) >= 2**64:
        raise InvalidValueError(
            field, "Got an integer of more than 64 bits.", "Give a smaller one."
        )
    return value


def _number(value: float | Decimal | Fraction, field: str) -> float:
    try:
        number = float(value)
    except (OverflowError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise InvalidValueError(field, f"Got {value}.", "Give a finite number.")
    return number


def _key(name: Any, field: str) -> str:
    if not isinstance(name, str):
        raise InvalidValueError(field, f"Got a key of type '{type(name).__name__}'.", "Give text.")
    return _text(name, field)


def _at(field: str, name: Any) -> str:
    return f"{field}.{name}" if field else str(name)


# The first that fits counts.
READERS: tuple[tuple[Any, Callable[[Any, str], Any]], ...] = (
    (str, _text),
    (int, _integer),
    ((float, Decimal, Fraction), _number),
    (BaseModel, _model),
    (Mapping, _mapping),
    (SEQUENCES, _sequence),
)
