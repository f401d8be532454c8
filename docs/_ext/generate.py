"""Reference pages made from the code: specs, command line, HTTP API, presets, settings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from decisions import index as decisions
from settings_page import page as settings

from reglab.api.app import create_app
from reglab.core import claims, datasets, figures
from reglab.core.presets import PRESETS
from reglab.core.settings import Settings
from reglab.core.spec import DATASETS, METRICS, ExperimentSpec


def write_all(docs: Path) -> None:
    """Write the generated pages below a folder of documentation; git ignores them."""
    with tempfile.TemporaryDirectory() as home:
        api = create_app(Settings.from_env({"REGLAB_HOME": home})).openapi()
    pages = {
        "decisions/index": decisions(),
        "reference/spec": _spec(),
        "reference/cli": _cli(),
        "reference/http": _http(api),
        "reference/presets": _presets(),
        "reference/catalog": _catalog(),
        "reference/settings": settings(),
    }
    for name, text in pages.items():
        path = docs / f"{name}.md"
        # An unchanged page is left alone, so that a second build has nothing to do.
        if not path.is_file() or path.read_text() != text:
            path.write_text(text)


def _cli() -> str:
    command = [sys.executable, "-m", "typer", "reglab.client.cli", "utils", "docs"]
    env = {**os.environ, "TERMINAL_WIDTH": "100"}
    for name in ("REGLAB_URL", "REGLAB_TOKEN"):
        env.pop(name, None)
    done = subprocess.run(
        [*command, "--name", "reglab"], env=env, capture_output=True, text=True, check=True
    )
    text = done.stdout.replace("# `reglab`", "# Command line", 1)
    return "\n".join(line.replace("$ ", "") for line in text.splitlines()) + "\n"


def _spec() -> str:
    schema = ExperimentSpec.model_json_schema()
    parts = [
        "# Spec\n",
        "What `POST /v1/experiments` takes, and `ExperimentSpec` in Python. Unknown fields are\n"
        "errors. `reglab schema` prints this as JSON Schema.\n",
        *_fields(schema["properties"], schema.get("required", [])),
    ]
    for name, model in sorted(schema["$defs"].items()):
        parts.append(f"## {name}\n\n{model.get('description', '')}\n")
        parts += _fields(model["properties"], model.get("required", []))
    return "\n".join(parts)


def _presets() -> str:
    parts = ["# Presets\n"]
    for preset in PRESETS.values():
        document = json.dumps(preset.document, indent=2)
        figures = ", ".join(f"`{name}`" for name in preset.figures)
        parts.append(
            f"## {preset.name}\n\n{preset.title}. {preset.description}\n\nFigures: {figures}.\n\n"
            f"```json\n{document}\n```\n"
        )
    return "\n".join(parts)


def _catalog() -> str:
    sets = [
        (f"`{name}`", loader.title, DATASETS[name].__name__, loader.source, loader.licence)
        for name, loader in datasets.REGISTRY.items()
    ]
    metrics = [(f"`{metric.name}`", metric.description) for metric in METRICS]
    pictures = [(f"`{name}`", figure.title) for name, figure in figures.REGISTRY.items()]
    statements = [
        (f"`{name}`", claim.text, claim.statistic, str(claim.region), ", ".join(claim.presets))
        for name, claim in claims.REGISTRY.items()
    ]
    return "\n".join(
        [
            "# Datasets, metrics, figures and claims\n\n## Datasets\n",
            _table(("name", "title", "fields", "source", "licence"), sets),
            "## Metrics\n",
            _table(("name", "meaning"), metrics),
            "## Figures\n",
            _table(("name", "title"), pictures),
            "## Claims\n",
            _table(("name", "statement", "statistic", "region of the mean", "presets"), statements),
        ]
    )


def _http(api: dict[str, Any]) -> str:
    parts = [
        "# HTTP API\n",
        f"{api['info']['description']}\n\nThis page is made from the OpenAPI document, which a "
        "server gives at `/openapi.json`; `/docs` lets you try it.\n",
    ]
    by_tag: dict[str, list[str]] = {}
    for path, methods in api["paths"].items():
        for method, call in methods.items():
            tag = (call.get("tags") or ["other"])[0]
            by_tag.setdefault(tag, []).append(_call(method, path, call))
    for tag, calls in by_tag.items():
        parts += [f"## {tag.capitalize()}\n", *calls]
    parts.append("## Bodies\n")
    for name, model in sorted(api["components"]["schemas"].items()):
        if "properties" in model:
            parts.append(f"### {name}\n\n{model.get('description', '')}\n")
            parts += _fields(model["properties"], model.get("required", []))
    return "\n".join(parts)


def _call(method: str, path: str, call: dict[str, Any]) -> str:
    text = f"### {method.upper()} {path}\n\n{call['summary']}. {call.get('description', '')}\n"
    rows = [
        (item["name"], item["in"], _type(item["schema"]), item.get("description", ""))
        for item in call.get("parameters", [])
    ]
    if rows:
        text += "\n" + _table(("parameter", "in", "type", "is"), rows)
    if "requestBody" in call:
        text += f"\nBody: {_content(call['requestBody'])}.\n"
    answers = [
        (status, answer["description"], _content(answer))
        for status, answer in call["responses"].items()
    ]
    return text + "\n" + _table(("answer", "when", "body"), answers)


def _content(answer: dict[str, Any]) -> str:
    found = answer.get("content", {})
    return ", ".join(f"`{media}` {_type(item.get('schema', {}))}" for media, item in found.items())


def _fields(properties: dict[str, Any], required: list[str]) -> Iterator[str]:
    rows = []
    for name, field in properties.items():
        default = "required" if name in required else _default(field)
        rows.append((f"`{name}`", _type(field), default, field.get("description", "")))
    yield _table(("field", "type", "default", "is"), rows)


def _default(field: dict[str, Any]) -> str:
    return f"`{json.dumps(field['default'])}`" if "default" in field else ""


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return schema["$ref"].rsplit("/", 1)[-1]
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(_type(one) for one in schema[several]))
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}".removesuffix(" of ")
    bounds = [
        f"{sign} {schema[key]:g}"
        for key, sign in (
            ("minimum", "≥"),
            ("exclusiveMinimum", ">"),
            ("maximum", "≤"),
            ("exclusiveMaximum", "<"),
        )
        if key in schema
    ]
    return " ".join([str(schema.get("type", "any")), *bounds])


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        cells = (" ".join(str(cell).split()).replace("|", "\\|") for cell in row)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
