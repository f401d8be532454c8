"""From a spec, a document or a preset's name to the body of a submission."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reglab.client.errors import ClientError, InvalidFile
from reglab.client.files import read_whole
from reglab.core.spec import ExperimentSpec, merge

Spec = ExperimentSpec | Mapping[str, Any] | Path | str


def body(spec: Spec, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The JSON document to send.

    Args:
        spec: An ``ExperimentSpec``, the same as a dict, the path of a JSON file, or the name of a
            preset.
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
    """The JSON object in a file."""
    try:
        document = json.loads(read_whole(path))
    except ValueError as error:
        raise InvalidFile(
            f"{path} is not JSON: {error}.", "Give a spec as one JSON object."
        ) from error
    if not isinstance(document, dict):
        raise InvalidFile(f"{path} holds no JSON object.", "Give a spec as one JSON object.")
    return document


def identifier(thing: Any) -> str:
    """The id of an experiment or a run: itself, or what has one."""
    found = thing if isinstance(thing, str) else getattr(thing, "id", None)
    if not isinstance(found, str) or not found or "/" in found:
        raise ClientError(f"{thing!r} has no id.", "Give an id, or an experiment or run.")
    return found
