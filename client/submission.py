"""From a spec, a document or a preset's name to the body of a submission."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from reglab.client.errors import ClientError, InvalidFileError, InvalidValueError
from reglab.client.files import read_whole
from reglab.client.values import json_value
from reglab.core.errors import SpecError
from reglab.core.exchange.json_text import unrepeated
from reglab.core.spec import ExperimentSpec, Laid, lay, unfold

# The id of a token, or its text, of which the second group is the id.
TOKEN = re.compile(r"([0-9a-f]{16})|reglab_([0-9a-f]{16})_[\w-]{43}")
MOST_BYTES = 2**26
Spec = ExperimentSpec | Mapping[str, Any] | Path | str


def body(spec: Spec, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The document alone of ``prepare``."""
    return prepare(spec, overrides).document


def prepare(spec: Spec, overrides: Mapping[str, Any] | None = None) -> Laid:
    """The JSON document to send, and the fields of the spec that overrides dropped.

    Args:
        spec: An ``ExperimentSpec``, the same as a dict, the path of a JSON or TOML file, or the
            name of a preset.
        overrides: Laid over it; keys may be dotted paths, as in ``{"training.epochs": 100}``.
    """
    changes = _overrides(overrides)
    if isinstance(spec, str):
        if Path(spec).suffix:
            remedy = f"For a file give Path({spec!r})."
            raise InvalidValueError("spec", f"'{spec}' is no preset's name.", remedy)
        return Laid({"preset": spec, "overrides": changes})
    if isinstance(spec, Path):
        document = json_value(read_document(spec))
    elif isinstance(spec, ExperimentSpec | Mapping):
        document = json_value(spec)
    else:
        raise InvalidValueError(
            "spec",
            f"Got a value of type '{type(spec).__name__}'.",
            "Give an ExperimentSpec, a dict, the Path of a file, or the name of a preset.",
        )
    if "preset" in document:
        laid = _laid(document.get("overrides", {}), changes, is_overrides=True)
        return replace(laid, document={**document, "overrides": laid.document})
    return _laid(document, changes)


def _overrides(overrides: Any) -> dict[str, Any]:
    if overrides is not None and not isinstance(overrides, Mapping):
        detail = f"Got a value of type '{type(overrides).__name__}'."
        remedy = 'Give a dict, e.g. {"training.epochs": 100}.'
        raise InvalidValueError("overrides", detail, remedy)
    found: dict[str, Any] = json_value(overrides or {})
    return found


def _laid(document: Any, changes: dict[str, Any], is_overrides: bool = False) -> Laid:
    if not isinstance(document, dict):
        # The server names the field; laying something over it would fail here.
        return Laid({**changes} if document is None else document)
    try:
        return lay(unfold(document) if is_overrides else document, changes)
    except SpecError as error:
        first = error.problems[0]
        raise InvalidValueError(first.path, first.detail, first.remedy) from error


def read_document(path: Path) -> dict[str, Any]:
    """The spec in a JSON or TOML file."""
    return parse_document(
        read_whole(path, MOST_BYTES), str(path), toml=path.suffix.lower() == ".toml"
    )


def parse_document(data: bytes, source: str, toml: bool = False) -> dict[str, Any]:
    """The object in some bytes; InvalidFileError names the source."""
    remedy = "Give a spec as one JSON object, e.g. what `reglab presets l2` prints."
    kind = "TOML" if toml else "JSON"
    try:
        # Editors of some systems begin files with a byte order mark.
        text = data.decode("utf-8-sig") if toml else data
        document = (
            tomllib.loads(str(text)) if toml else json.loads(text, object_pairs_hook=unrepeated)
        )
    except (ValueError, RecursionError) as error:
        raise InvalidFileError(f"{source} is not {kind}: {error}.", remedy) from error
    if not isinstance(document, dict):
        raise InvalidFileError(f"{source} holds no JSON object.", remedy)
    return document


def segment(text: str) -> str:
    """Text as one part of a path of the API."""
    if text in ("", ".", ".."):
        raise ClientError(f"'{text}' is no name of anything.", "Give an id or a name.")
    return quote(text, safe="")


def identifier(thing: Any) -> str:
    """The id of an experiment or a run: itself, or what has one."""
    found = thing if isinstance(thing, str) else getattr(thing, "id", None)
    if not isinstance(found, str) or not found.isprintable() or not found:
        raise ClientError(f"{thing!r} has no id.", "Give an id, or an experiment or run.")
    return found


def token_id(token: Any) -> str:
    """The id of a token: itself, what has one, or the part of a token's text that may be shown."""
    found = TOKEN.fullmatch(token if isinstance(token, str) else str(getattr(token, "id", "")))
    if found is None:
        raise ClientError("That is no token's id.", "Give an id as `reglab tokens list` shows it.")
    return found[1] or found[2]
