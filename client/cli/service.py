"""serve, worker, doctor: what runs on this machine."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from reglab.client.cli.base import Json, connect
from reglab.client.cli.doctor import Check, check_client, check_server
from reglab.client.cli.output import console, print_json
from reglab.client.own_server import need_extra
from reglab.client.text import for_markup

PANEL = "Service"
Home = Annotated[
    Path | None,
    typer.Option(envvar="REGLAB_HOME", help="Folder of the embedded database and broker."),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    for command in (serve, worker, doctor):
        app.command(rich_help_panel=PANEL)(command)


def serve(
    host: Annotated[
        str, typer.Option(envvar="REGLAB_HOST", help="Address on which the server listens.")
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            envvar="REGLAB_PORT", help="Port on which the server listens.", min=1, max=65535
        ),
    ] = 8000,
    home: Home = None,
) -> None:
    """Run a server and a worker until Ctrl-C."""
    need_extra("fastapi", "server", "`reglab serve`")
    settings = {"REGLAB_HOST": host, "REGLAB_PORT": str(port)}
    run_here("reglab.api.serve", settings=settings | _home(home))


def worker(
    processes: Annotated[
        int | None,
        typer.Option(
            envvar="REGLAB_WORKER_PROCESSES",
            min=1,
            help="Number of runs to train at the same time; one per core by default.",
        ),
    ] = None,
    home: Home = None,
) -> None:
    """Run a worker on the database and broker of REGLAB_DATABASE_URL and REGLAB_BROKER_URL."""
    need_extra("celery", "worker", "`reglab worker`")
    settings = {"REGLAB_WORKER_PROCESSES": str(processes)} if processes else {}
    run_here("reglab.worker", settings=settings | _home(home))


def doctor(ctx: typer.Context, as_json: Json = False) -> None:
    """Check client, server, database, broker, data and threads, and suggest remedies."""
    checks = check_client()
    with connect(ctx, retries=0) as client:
        answers, of_server = check_server(client)
        checks += of_server
    if not answers:
        checks += _check_here()
    if as_json:
        print_json([vars(check) for check in checks])
    else:
        _print_checks(checks)
    if any(check.state == "fault" for check in checks):
        raise typer.Exit(1)


def _home(home: Path | None) -> dict[str, str]:
    return {"REGLAB_HOME": str(home)} if home else {}


def run_here(
    module: str, arguments: Sequence[str] = (), settings: Mapping[str, str] | None = None
) -> NoReturn:
    """Become a module of ours: it takes this process's place, so every signal reaches it alone."""
    command = [sys.executable, "-m", module, *arguments]
    sys.stdout.flush()
    os.execve(command[0], command, {**os.environ, **(settings or {})})  # noqa: S606 # no shell


def _check_here() -> list[Check]:
    """What the server's own check says, where its extra is installed."""
    if importlib.util.find_spec("fastapi") is None:
        return []
    command = [sys.executable, "-m", "reglab.api.doctor"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 # a constant command
    try:
        return [Check(**item) for item in json.loads(done.stdout)]
    except (ValueError, TypeError):
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return [
            Check(
                "local service",
                "fault",
                last,
                "Reinstall: `pip install '.[server]'` in a checkout.",
            )
        ]


def _print_checks(checks: list[Check]) -> None:
    out = console()
    marks: dict[str, Any] = {
        "ok": "[green]ok[/]     ",
        "warning": "[yellow]warning[/]",
        "fault": "[red]fault[/]  ",
    }
    for check in checks:
        found = for_markup(check.detail)
        out.print(f"{marks[check.state]} [bold]{check.name}[/]: {found}", soft_wrap=True)
        if check.remedy:
            out.print(f"        {for_markup(check.remedy)}", soft_wrap=True)
