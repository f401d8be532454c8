"""server, migrate, backup, retention, limits, health: for who runs a deployment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import typer

from reglab.client.cli.service import run_here
from reglab.client.own_server import need_extra

PANEL = "Operating"


@dataclass(frozen=True)
class Operation:
    """A command that is a module of the server's, which reads the arguments itself.

    Attributes:
        name: Of the command.
        module: What runs in place of this process.
        needs: A package that the module imports.
        extra: Of reglab, with that package.
        help: A sentence.
        takes_arguments: Whether the module reads arguments, ``--help`` among them; if not, any is
            refused.
    """

    name: str
    module: str
    needs: str
    extra: str
    help: str
    takes_arguments: bool = False


PASSED_ON = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}
OPERATIONS = (
    Operation("server", "reglab.api", "fastapi", "server", "Run a server, without a worker."),
    Operation(
        "migrate",
        "reglab.core.storage.migrate",
        "sqlalchemy",
        "server",
        "Migrate the database of REGLAB_DATABASE_URL to this version.",
    ),
    Operation(
        "backup",
        "reglab.core.storage.backup.command",
        "sqlalchemy",
        "server",
        "Create, verify or restore a copy of the database in one file.",
        takes_arguments=True,
    ),
    Operation(
        "retention",
        "reglab.core.storage.retention_command",
        "sqlalchemy",
        "server",
        "Delete old experiments, or list those that would be deleted.",
        takes_arguments=True,
    ),
    Operation(
        "limits",
        "reglab.core.process.limits_command",
        "pydantic",
        "server",
        "Print the limits of a server in this environment.",
    ),
    Operation(
        "health",
        "reglab.worker.health",
        "sqlalchemy",
        "worker",
        "Exit with code 0 if a worker on this host has recently reported.",
    ),
)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    for operation in OPERATIONS:
        app.command(
            operation.name,
            help=operation.help,
            rich_help_panel=PANEL,
            context_settings=PASSED_ON if operation.takes_arguments else None,
        )(_running(operation))


def _running(operation: Operation) -> Callable[[typer.Context], None]:
    def run(ctx: typer.Context) -> None:
        need_extra(operation.needs, operation.extra, f"`reglab {operation.name}`")
        run_here(operation.module, ctx.args)

    return run
