"""A spec to copy: as JSON, as Python, as a command."""

from __future__ import annotations

import json
import pprint
import shlex
from typing import Any

from reglab.core.spec import ExperimentSpec


def lean(document: dict[str, Any]) -> dict[str, Any]:
    """A spec without what its defaults say anyway, or the service fills in."""
    spec = ExperimentSpec.model_validate(document)
    return spec.model_dump(mode="json", exclude_defaults=True, exclude={"dataset": {"facts"}})


def as_json(document: dict[str, Any]) -> str:
    """Indented JSON."""
    return json.dumps(document, indent=2, ensure_ascii=False)


def as_python(document: dict[str, Any], url: str) -> str:
    """A script for the Python client."""
    spec = pprint.pformat(document, width=88, sort_dicts=False)
    return (
        "from reglab import Client\n\n"
        f"spec = {spec}\n\n"
        f"client = Client({url!r})\n"
        "experiment = client.submit(spec)\n"
        "experiment.wait()\n"
        "print(experiment.ece())\n"
    )


def as_curl(document: dict[str, Any], url: str, with_token: bool = False) -> str:
    """A command for a POSIX shell; a token is named by its variable, never written out."""
    token = '     -H "Authorization: Bearer $REGLAB_TOKEN" \\\n' if with_token else ""
    body = shlex.quote(json.dumps(document, ensure_ascii=False))
    return (
        f"curl -s {url}/v1/experiments \\\n"
        f"{token}"
        "     -H 'Content-Type: application/json' \\\n"
        f"     -d {body}\n"
    )
