"""datasets: what can be trained on, and own data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from reglab.client.cli.base import Json, connect
from reglab.client.cli.output import console, print_json, print_table
from reglab.client.dataset_models import UploadedDataset
from reglab.client.files import write_whole
from reglab.client.tables import Table
from reglab.client.text import for_markup
from reglab.core.demo_table import TARGET, demo_table

PANEL = "Catalog"
commands = typer.Typer(help="List datasets, and bring your own.", invoke_without_command=True)
Id = Annotated[str, typer.Argument(metavar="ID", help="Id 'sha256:...' of an uploaded dataset.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    commands.callback()(every)
    commands.command()(add)
    commands.command()(demo)
    commands.command("list")(list_datasets)
    for command in (show, preview, delete):
        commands.command()(command)
    app.add_typer(commands, name="datasets", rich_help_panel=PANEL)


def every(ctx: typer.Context, as_json: Json = False) -> None:
    """List datasets, and bring your own."""
    if ctx.invoked_subcommand is None:
        _list(ctx, None, None, None, as_json)


def add(
    ctx: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV, TSV, Parquet, Feather, JSON lines, npz, or a zip of images or IDX files."
        ),
    ],
    target: Annotated[
        str | None,
        typer.Option(help="Column that is learnt; arrays and images have one of their own."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the dataset; that of the file if left out.")
    ] = None,
    description: Annotated[str, typer.Option(help="What it is.")] = "",
    tag: Annotated[list[str] | None, typer.Option(help="A tag; may be repeated.")] = None,
    separator: Annotated[
        str | None, typer.Option(help="Separator of a text file, if it is not found.")
    ] = None,
    decimal: Annotated[
        str | None, typer.Option(help="Decimal mark of a text file, if it is not found.")
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of a text file, if it is not found.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Upload a file as a dataset."""
    told = {"separator": separator, "decimal": decimal, "encoding": encoding}
    options = {key: value for key, value in told.items() if value is not None}
    with connect(ctx) as client:
        made = client.upload(
            file, target, name=name, description=description, tags=tag or [], options=options
        )
    _show(made, as_json)


def demo(
    file: Annotated[Path, typer.Argument(help="File to write.")] = Path("demo.csv"),
) -> None:
    """Write a table to try things on: 500 invented seedlings, with gaps and categories."""
    write_whole(file, demo_table().encode())
    typer.echo(f"{file}: add it with `reglab datasets add {file} --target {TARGET}`")


def list_datasets(
    ctx: typer.Context,
    uploaded: Annotated[bool, typer.Option("--uploaded", help="Only uploaded datasets.")] = False,
    q: Annotated[str | None, typer.Option("--name", help="Part of the name.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only with this tag.")] = None,
    as_json: Json = False,
) -> None:
    """List the datasets, and whether they are available on the server."""
    _list(ctx, "uploaded" if uploaded else None, q, tag, as_json)


def show(ctx: typer.Context, dataset: Id, as_json: Json = False) -> None:
    """Show what was found in an uploaded dataset."""
    with connect(ctx) as client:
        found = client.dataset(dataset)
    _show(found, as_json)


def preview(ctx: typer.Context, dataset: Id, as_json: Json = False) -> None:
    """Show first rows and the class balance of an uploaded dataset."""
    with connect(ctx) as client:
        found = client.preview_dataset(dataset)
    if as_json:
        print_json(found)
        return
    # Wide tables are for --json.
    shown = found.columns[:10]
    rows = [dict(zip(shown, row, strict=False)) for row in found.rows]
    print_table(Table.of_rows(rows))
    if found.classes:
        print_table(Table.of_rows([each.model_dump() for each in found.classes]))
    for what, count in (
        ("missing values", found.missing_values),
        ("rows that equal an earlier one", found.duplicate_rows),
        ("rows of the test set that are trained on", found.shared_rows),
    ):
        if count:
            console().print(f"{count} {what}")


def delete(
    ctx: typer.Context,
    dataset: Id,
    force: Annotated[
        bool, typer.Option("--force", help="Also if experiments use it; their results stay.")
    ] = False,
) -> None:
    """Delete an uploaded dataset."""
    with connect(ctx) as client:
        client.delete_dataset(dataset, force=force)


def _list(ctx: typer.Context, kind: Any, q: str | None, tag: str | None, as_json: bool) -> None:
    with connect(ctx) as client:
        found = client.datasets(kind, q=q, tag=tag)
    if as_json:
        print_json(found)
        return
    rows = [
        {
            "name": row.name,
            "title": row.title,
            "rows": row.n,
            "features": row.n_features,
            "classes": row.n_classes,
            "licence": row.licence,
            "available": "yes" if row.available else row.reason,
            "id": row.id,
        }
        for row in found
    ]
    print_table(Table.of_rows(rows))


def _show(found: UploadedDataset, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    typer.echo(found.id)
    reading = ", ".join(f"{key} {value!r}" for key, value in found.reading.items())
    console().print(for_markup(f"{found.name}: {found.n} rows, read as {reading}"))
    target = found.target
    if target is not None:
        about = f"target {target.name}: {target.task}"
        if target.classes:
            about += ": " + ", ".join(f"{each.label} ({each.count})" for each in target.classes)
        console().print(for_markup(about))
    if found.features:
        fields = {"levels"}
        print_table(Table.of_rows([each.model_dump(exclude=fields) for each in found.features]))
    for each in found.warnings:
        where = f"{each.column}: " if each.column else ""
        console().print(for_markup(f"{where}{each.message}"))
