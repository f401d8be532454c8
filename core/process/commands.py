"""What all commands of a deployment share: errors as sentences, exit codes."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from typing import Any

import typer

from reglab.core.errors import FieldProblemError, ReglabError
from reglab.core.settings import REFUSED, unknown_variables


def commands(**options: Any) -> typer.Typer:
    """An app whose faults are plain tracebacks, as in all of the services."""
    names = {"help_option_names": ["-h", "--help"]}
    return typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, context_settings=names, **options
    )


def run_app(app: typer.Typer, name: str) -> int:
    """Run ``reglab NAME`` on this process's arguments; returns the exit code, 2 for wrong usage."""

    def main() -> int:
        try:
            app(prog_name=f"reglab {name}")
        except SystemExit as ended:
            return int(ended.code or 0)
        return 0

    return run_command(main)


def run_command(main: Callable[[], int | None]) -> int:
    """Run a command; returns its exit code.

    What was given wrongly, settings among them, ends with 2, and what cannot be done with 1; a
    sentence on stderr says what and what would help. A reader that closes early, such as ``head``,
    ends it quietly.
    """
    for told in unknown_variables():
        print(told, file=sys.stderr)
    try:
        code = main() or 0
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
        return 0
    except OSError as error:
        if error.errno != errno.ENOSPC or error.filename:
            raise
        print(f"The output cannot be written: {error.strerror}.", file=sys.stderr)
        _discard_output()
        return 1
    except FieldProblemError as error:
        print(error, file=sys.stderr)
        return REFUSED
    except ReglabError as error:
        remedy = getattr(error, "remedy", "").removesuffix(".")
        print(f"{error} {remedy}.".strip() if remedy else error, file=sys.stderr)
        return 1
    return code


def _discard_output() -> None:
    """What is left to write at the interpreter's end cannot be written either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
