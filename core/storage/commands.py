"""What the commands of this package share: errors as sentences, exit codes."""

from __future__ import annotations

import sys
from typing import Any

import typer

from reglab.core.errors import ReglabError


def commands(**options: Any) -> typer.Typer:
    """An app whose faults are plain tracebacks, as in all of the services."""
    return typer.Typer(add_completion=False, pretty_exceptions_enable=False, **options)


def run_command(app: typer.Typer, name: str) -> int:
    """Run ``reglab NAME`` on this process's arguments; returns the exit code, 2 for wrong usage."""
    try:
        app(prog_name=f"reglab {name}")
    except SystemExit as ended:
        return int(ended.code or 0)
    except ReglabError as error:
        print(f"{error} {getattr(error, 'remedy', '')}".strip(), file=sys.stderr)
        return 1
    return 0
