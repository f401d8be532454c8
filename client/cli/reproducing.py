"""reproduce."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from reglab.client.cli.base import Json, Options, connect
from reglab.client.cli.output import print_json
from reglab.client.cli.reading import SEEDS_HELP, parse_seeds
from reglab.client.clients import Client
from reglab.client.errors import ServerUnreachableError
from reglab.client.own_server import own_server
from reglab.client.progress import TerminalDisplay
from reglab.client.reproduce import Reproduction, reproduce
from reglab.client.text import for_markup


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("reproduce", rich_help_panel="Experiments")(reproduce_article)


def reproduce_article(
    ctx: typer.Context,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the results.")] = Path(
        "reglab-output"
    ),
    seeds: Annotated[str, typer.Option(help=f"{SEEDS_HELP} Claims need several.")] = "1",
    scale: Annotated[
        float,
        typer.Option(
            "--epochs-scale",
            min=1e-6,
            help="Factor of all numbers of epochs, e.g. 0.01 for a quick test.",
        ),
    ] = 1.0,
    own: Annotated[
        bool, typer.Option("--own-server", help="Start a server even if one responds.")
    ] = False,
    robust: Annotated[
        bool,
        typer.Option(
            "--robust",
            help="Run each preset under every choice that the article leaves open as well, and "
            "show which claims hang on one; takes about four times as long.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Reproduce the article: six experiments, ten figures, claims, and an HTML report.

    If no server responds, one is started with its database in the output folder.
    """
    chosen = parse_seeds(seeds)
    out = Console(stderr=as_json, highlight=False)
    output = output.resolve()
    with contextlib.ExitStack() as stack:
        client = None if own else _answering(ctx)
        home = None
        if client is None:
            home = output / "service"
            out.print("Starting the server and a worker ...")
            url = stack.enter_context(own_server(home, output / "logs" / "service.log"))
            options: Options = ctx.find_root().obj
            client = Client(url, "", timeout=max(120.0, options.timeout))
        stack.enter_context(client)
        url = client.settings.url
        out.print(f"Server: {url} (reference at {url}/docs)", soft_wrap=True)
        made = reproduce(
            client,
            output,
            chosen,
            scale,
            TerminalDisplay(out),
            lambda text: out.print(f"[yellow]{for_markup(text)}[/]", soft_wrap=True),
            robust,
        )
    if as_json:
        print_json(
            {
                "report": str(made.report),
                "figures": [str(path) for path in made.figures],
                "experiments": made.experiments,
                "substitutes": made.substitutes,
                "controls": made.controls,
                "choices": made.choices,
            }
        )
    else:
        _say_where(out, output, made, home)


def _answering(ctx: typer.Context) -> Client | None:
    client = connect(ctx, retries=0)
    try:
        client.health()
    except ServerUnreachableError:
        client.close()
        return None
    client.close()
    return connect(ctx)


def _say_where(out: Console, output: Path, made: Reproduction, home: Path | None) -> None:
    count = len({path.stem for path in made.figures})
    out.print(f"{count} figures written.\n")
    lines = [f"[bold]Report:[/]  {made.report}", f"[bold]Figures:[/] {output / 'figures'}"]
    start = ""
    if home:
        lines.append(f"[bold]Logs:[/]    {output / 'logs'}")
        start = f"  {_command()} serve --home {home}\n"
    for line in lines:
        out.print(line, soft_wrap=True)
    on = "start the service on these results with" if home else "look at these results with"
    out.print(
        f"\nGo on: {on}\n{start}  {_command()} list\n"
        "and submit an experiment of your own:\n"
        f"  {_command()} submit l2 --set training.epochs=2000 --wait",
        soft_wrap=True,
        markup=False,
    )


def _command() -> str:
    """How this shell finds the command: by name, or in an environment that is not activated."""
    if shutil.which("reglab"):
        return "reglab"
    beside = Path(sys.executable).with_name("reglab")
    return os.path.relpath(beside) if beside.is_relative_to(Path.cwd()) else str(beside)
