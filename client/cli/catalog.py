"""presets, schema."""

from __future__ import annotations

from typing import Annotated

import typer

from reglab.client.cli.base import Json, connect
from reglab.client.cli.output import print_json, print_table
from reglab.client.errors import ClientError
from reglab.client.tables import Table

PANEL = "Catalog"


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    for command in (presets, schema):
        app.command(rich_help_panel=PANEL)(command)


def presets(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Preset whose spec is printed.")] = None,
    as_json: Json = False,
) -> None:
    """List the presets, or print the spec of one."""
    with connect(ctx) as client:
        found = client.presets()
    if name is not None:
        spec = next((preset.spec for preset in found if preset.name == name), None)
        if spec is None:
            known = ", ".join(preset.name for preset in found)
            raise ClientError(f"There is no preset '{name}'.", f"Known: {known}.")
        print_json(spec)
    elif as_json:
        print_json(found)
    else:
        rows = [
            {
                "name": preset.name,
                "runs": preset.runs,
                "dataset": preset.spec["dataset"]["name"],
                "title": preset.title,
                "figures": ", ".join(preset.figures),
            }
            for preset in found
        ]
        print_table(Table.of_rows(rows))


def schema(ctx: typer.Context, as_json: Json = False) -> None:  # noqa: ARG001 # always JSON
    """Print the JSON Schema of a spec, for editors and checks."""
    with connect(ctx) as client:
        print_json(client.schema())
