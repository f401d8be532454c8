"""list, show, cancel, retry, delete."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from reglab.client.cli.base import ExperimentArgument, Json, connect, find
from reglab.client.cli.output import console, print_json, print_table
from reglab.client.models import ExperimentSummary, Sort, State
from reglab.client.show import run_table
from reglab.client.tables import Table
from reglab.client.text import for_markup, for_terminal


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    add = app.command
    add("list", rich_help_panel="Experiments")(list_experiments)
    for command in (show, cancel, retry, delete):
        add(rich_help_panel="Experiments")(command)


def list_experiments(
    ctx: typer.Context,
    state: Annotated[State | None, typer.Option(help="Only experiments in this state.")] = None,
    preset: Annotated[str | None, typer.Option(help="Only experiments of this preset.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only experiments with this tag.")] = None,
    q: Annotated[
        str | None, typer.Option("--search", "-q", help="Text that the name contains.")
    ] = None,
    sort: Annotated[
        Sort, typer.Option(help="Field to sort by; a leading '-' sorts in descending order.")
    ] = "-created",
    limit: Annotated[int, typer.Option(min=1, help="Largest number of experiments.")] = 20,
    as_json: Json = False,
) -> None:
    """List experiments, newest first."""
    with connect(ctx) as client:
        filters: dict[str, Any] = {"state": state, "preset": preset, "tag": tag, "q": q}
        found = list(client.list(**filters, sort=sort, limit=limit + 1))
    more, found = len(found) > limit, found[:limit]
    if as_json:
        print_json(found)
    elif found:
        print_table(Table.of_rows([_row(item) for item in found]))
        if more:
            console().print(f"There are more than these {limit}: show them with --limit.")
    else:
        asked = [f"{name} '{value}'" for name, value in filters.items() if value is not None]
        if asked:
            console().print(for_markup(f"No experiment with {' and '.join(asked)}."))
        else:
            console().print("No experiments. Submit one: `reglab submit l2`.")


def show(ctx: typer.Context, experiment: ExperimentArgument, as_json: Json = False) -> None:
    """Show an experiment and its runs."""
    with connect(ctx) as client:
        found = find(client, experiment)
    if as_json:
        print_json(found.data)
        return
    out = console()
    out.print(f"[bold]{for_markup(found.data.label())}[/]  {found.id}", soft_wrap=True)
    created = f"{found.data.created_at:%Y-%m-%d %H:%M:%S} UTC"
    facts = [found.state, f"{100 * found.progress:.0f} %", created]
    facts += [f"preset {found.preset}"] if found.preset else []
    out.print(", ".join(facts + [f"#{for_terminal(tag)}" for tag in found.tags]), markup=False)
    print_table(run_table(found.data))
    labels = found.data.run_labels()
    for run in found.data.runs:
        if run.error:
            detail = f"{run.error.get('detail', '')} {run.error.get('remedy') or ''}"
            out.print(f"[red]{for_markup(labels[run.id])}:[/] {for_markup(detail)}", soft_wrap=True)


def cancel(ctx: typer.Context, experiment: ExperimentArgument, as_json: Json = False) -> None:
    """Cancel unfinished runs."""
    _act(ctx, experiment, "cancel", as_json)


def retry(ctx: typer.Context, experiment: ExperimentArgument, as_json: Json = False) -> None:
    """Queue failed and cancelled runs again."""
    _act(ctx, experiment, "retry", as_json)


def delete(
    ctx: typer.Context,
    experiment: ExperimentArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Delete an experiment and all its results."""
    with connect(ctx) as client:
        found = find(client, experiment)
        if not yes:
            question = f"Delete '{found.data.label()}' ({found.id}) and all its results?"
            typer.confirm(question, abort=True, err=True)
        found.delete()
    if as_json:
        print_json({"id": found.id, "deleted": True})
    else:
        console().print(f"Deleted {found.id}.")


def _act(ctx: typer.Context, experiment: str, action: str, as_json: bool) -> None:
    with connect(ctx) as client:
        found = find(client, experiment)
        getattr(found, action)()
    if as_json:
        print_json(found.data)
        return
    counts = ", ".join(f"{number} {state}" for state, number in found.data.counts.items() if number)
    console().print(f"{found.id}: {counts}", soft_wrap=True)


def _row(item: ExperimentSummary) -> dict[str, Any]:
    return {
        "id": item.id,
        "name": item.name,
        "preset": item.preset,
        "state": item.state,
        "progress": f"{100 * item.progress:.0f} %",
        "runs": sum(item.counts.values()),
        "created": f"{item.created_at:%Y-%m-%d %H:%M}",
        "tags": " ".join(item.tags),
    }
