"""From a spec, a document or a preset's name to the body of a submission."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reglab.client.errors import ClientError, InvalidFile
from reglab.client.files import read_whole
from reglab.core.spec import ExperimentSpec, merge

# The id of a token, or its text, of which the second group is the id.
TOKEN = re.compile(r"([0-9a-f]{16})|reglab_([0-9a-f]{16})_[\w-]{43}")
Spec = ExperimentSpec | Mapping[str, Any] | Path | str


def body(spec: Spec, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The JSON document to send.

    Args:
        spec: An ``ExperimentSpec``, the same as a dict, the path of a JSON or TOML file, or the
            name of a preset.
        overrides: Laid over it; keys may be dotted paths, as in ``{"training.epochs": 100}``.
    """
    changes = dict(overrides or {})
    if isinstance(spec, str):
        return {"preset": spec, "overrides": changes}
    if isinstance(spec, ExperimentSpec):
        # Defaults are the server's to fill in: it may be of another version.
        return merge(spec.model_dump(mode="json", exclude_unset=True), changes)
    document = read_document(spec) if isinstance(spec, Path) else dict(spec)
    if "preset" in document:
        return {**document, "overrides": merge(document.get("overrides", {}), changes)}
    return merge(document, changes)


def read_document(path: Path) -> dict[str, Any]:
    """The spec in a JSON or TOML file."""
    return parse_document(read_whole(path), str(path), toml=path.suffix == ".toml")


def parse_document(data: bytes, source: str, toml: bool = False) -> dict[str, Any]:
    """The object in some bytes; InvalidFile names the source."""
    remedy = "Give a spec as one JSON object, e.g. what `reglab presets l2` prints."
    try:
        document = tomllib.loads(data.decode()) if toml else json.loads(data)
    except ValueError as error:
        kind = "TOML" if toml else "JSON"
        raise InvalidFile(f"{source} is not {kind}: {error}.", remedy) from error
    if not isinstance(document, dict):
        raise InvalidFile(f"{source} holds no JSON object.", remedy)
    return document


def identifier(thing: Any) -> str:
    """The id of an experiment or a run: itself, or what has one."""
    found = thing if isinstance(thing, str) else getattr(thing, "id", None)
    if not isinstance(found, str) or not found or "/" in found:
        raise ClientError(f"{thing!r} has no id.", "Give an id, or an experiment or run.")
    return found


def token_id(token: Any) -> str:
    """The id of a token: itself, what has one, or the part of a token's text that may be shown."""
    found = TOKEN.fullmatch(token if isinstance(token, str) else str(getattr(token, "id", "")))
    if found is None:
        raise ClientError("That is no token's id.", "Give an id as `reglab tokens list` shows it.")
    return found[1] or found[2]
