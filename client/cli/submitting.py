"""submit."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from reglab.client.cli.base import Json, connect
from reglab.client.cli.output import console, print_json
from reglab.client.cli.reading import SEEDS_HELP, parse_changes, parse_seeds
from reglab.client.clients import Client
from reglab.client.experiments import Experiment
from reglab.client.submission import Spec, parse_document
from reglab.client.text import counted
from reglab.client.waiting import raise_if_failed


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command(rich_help_panel="Experiments")(submit)


def submit(
    ctx: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            help="A preset's name, a spec as JSON or TOML file, or - for JSON on standard input.",
            show_default=False,
        ),
    ],
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PATH=VALUE",
            help="Change a field, e.g. training.epochs=100; lists as JSON or with "
            "commas. Read by the field's type. May be repeated.",
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the experiment.")] = None,
    tags: Annotated[list[str] | None, typer.Option("--tag", help="May be repeated.")] = None,
    seeds: Annotated[
        str | None,
        typer.Option(help=SEEDS_HELP),
    ] = None,
    wait: Annotated[
        bool,
        typer.Option(
            "--wait", help="Wait until the experiment has ended; exit code 1 if it failed."
        ),
    ] = False,
    timeout: Annotated[
        float | None, typer.Option("--wait-timeout", help="Seconds to wait before exit code 7.")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Check and estimate the experiment without submitting it."),
    ] = False,
    key: Annotated[
        str | None, typer.Option(help="Idempotency key; the experiment is submitted once per key.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Submit an experiment and, with --wait, wait until it has ended."""
    spec = _source(source)
    overrides = parse_changes(changes or [])
    given = {
        "name": name,
        "tags": tags or None,
        "seeds": None if seeds is None else parse_seeds(seeds),
    }
    given = {field: value for field, value in given.items() if value is not None}
    for field in given.keys() & overrides.keys():
        message = f"'{field}' is given by an option of its own, too."
        raise typer.BadParameter(message, param_hint="--set")
    overrides |= given
    with connect(ctx) as client:
        if dry_run:
            _estimate(client, spec, overrides, as_json)
            return
        experiment = client.submit(spec, overrides, key=key)
        if not as_json:
            _say(experiment)
            _say_dropped(experiment.data.dropped)
        if wait or timeout is not None:
            experiment.wait(timeout, check=False)
        if as_json:
            print_json(experiment.data)
        elif wait:
            console().print(f"{experiment.state}; see `reglab show {experiment.id}`")
        if wait:
            raise_if_failed(experiment.data)


def _source(source: str) -> Spec:
    if source == "-":
        return parse_document(sys.stdin.buffer.read(), "standard input")
    path = Path(source)
    # No preset's name has an ending.
    is_file = bool(path.suffix) or path.is_file() or "/" in source
    return path if is_file else source


def _estimate(client: Client, spec: Spec, overrides: dict[str, Any], as_json: bool) -> None:
    found = client.estimate(spec, overrides)
    if as_json:
        print_json(found)
        return
    text = f"{counted(found.runs, 'run')}, {found.steps:,} steps, about {found.seconds:.0f} s"
    slots = f"on {found.slots} slots" if found.slots else "(no worker is alive)"
    waiting = f"{counted(found.waiting, 'run')} before it"
    console().print(f"{text} {slots}; {waiting}.")
    _say_dropped(found.dropped)


def _say_dropped(dropped: Sequence[str]) -> None:
    if dropped:
        text = f"Dropped, as the new kind does not have them: {', '.join(dropped)}."
        console().print(text, soft_wrap=True, markup=False)


def _say(experiment: Experiment) -> None:
    console().print(
        f"{experiment.id}  {experiment.data.label()}: {counted(len(experiment.data.runs), 'run')} "
        f"{experiment.state}",
        soft_wrap=True,
        markup=False,
    )
