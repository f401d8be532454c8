"""The reference of all REGLAB_* variables, made from ``core.settings``."""

from __future__ import annotations

from typing import Any

from reglab.core import settings
from reglab.core.settings.base import EnvironmentSettings
from reglab.core.settings.known import OTHERS

CLASSES: dict[str, type[EnvironmentSettings]] = {
    "Service": settings.Settings,
    "Access": settings.AccessSettings,
    "Workers": settings.WorkerSettings,
    "Datasets": settings.DataSettings,
    "Logs": settings.LogSettings,
    "Migrations": settings.MigrationSettings,
    "Limits": settings.Limits,
}
INTRODUCTION = """\
# Settings

All settings are environment variables. An empty variable counts as not set. A process does not
start if a value cannot be used; the message names the variable and the allowed values. A `REGLAB_*`
variable that nothing reads is reported as a warning. `reglab doctor` checks the settings of the
current environment.

This page is generated from `core.settings`.
"""
HEAD = ["| variable | meaning | default | allowed values |", "|---|---|---|---|"]


def page() -> str:
    """The page, in MyST Markdown."""
    parts = [INTRODUCTION]
    for title, kind in CLASSES.items():
        rows = [_row(name, field) for name, field in kind.variables().items()]
        parts.append("\n".join([f"## {title}\n", *HEAD, *rows]) + "\n")
    rows = [f"| `{name}` | {text} |" for name, text in OTHERS.items()]
    head = ["## Client, deployment and tests\n", "| variable | meaning |", "|---|---|"]
    parts.append("\n".join([*head, *rows]) + "\n")
    return "\n".join(parts)


def _row(name: str, field: Any) -> str:
    meaning = field.description
    # The remedy of a limit repeats what is limited.
    allowed = field.json_schema_extra["remedy"].replace(f": {meaning}", "")
    meaning = meaning[0].upper() + meaning[1:].removesuffix(".") + "."
    cells = (f"`{name}`", meaning, _default(field), allowed)
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def _default(field: Any) -> str:
    value = field.default
    if field.default_factory is not None:
        return "see meaning"
    if value is None or value in ("", frozenset()):
        return "none"
    if isinstance(value, tuple):
        return f"`{','.join(value)}`"
    if isinstance(value, bool):
        return f"`{int(value)}`"
    return f"`{value:.15g}`" if isinstance(value, float) else f"`{value}`"
