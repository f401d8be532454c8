"""curves, ece, confusion, claims, figure, export, import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from reglab.client.claims import Claim
from reglab.client.cli.base import ExperimentArgument, Json, connect, find, tell_unfinished
from reglab.client.cli.comparing import compare
from reglab.client.cli.output import console, print_json, print_table, sparkline
from reglab.client.errors import InvalidFileError
from reglab.client.experiments import Experiment
from reglab.client.figures import FORMATS
from reglab.client.files import make_folder
from reglab.client.show import cell
from reglab.client.tables import Curves, Table
from reglab.client.text import counted
from reglab.core.spec import Binning

PANEL = "Results"
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Save as .csv, .parquet or .json.", show_default=False),
]
With = Annotated[
    list[str] | None,
    typer.Option("--with", help="A further experiment whose runs are used. May be repeated."),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    for command in (curves, ece, confusion, claims, figure, compare, export):
        app.command(rich_help_panel=PANEL)(command)
    app.command("import", rich_help_panel=PANEL)(import_)


def curves(
    ctx: typer.Context,
    experiment: ExperimentArgument,
    metrics: Annotated[
        str | None, typer.Option(help="Columns, e.g. test_loss,test_accuracy.")
    ] = None,
    max_points: Annotated[
        int | None, typer.Option(min=4, help="Largest number of points per run.")
    ] = None,
    output: Output = None,
    as_json: Json = False,
) -> None:
    """Print the losses and accuracies over the epochs, or save them as a file."""
    with connect(ctx) as client:
        found = find(client, experiment)
        tell_unfinished(found)
        query = {"metrics": metrics, "max_points": max_points}
        if output is not None:
            _saved(found.download("curves", output, query=query))
            return
        names = metrics.split(",") if metrics else None
        table = found.curves(names, max_points)
    if as_json:
        print_json(table)
    else:
        print_table(_courses(found, table))


def ece(
    ctx: typer.Context,
    experiment: ExperimentArgument,
    binning: Annotated[
        Binning | None, typer.Option(help="Quantile or uniform bins; as in the spec by default.")
    ] = None,
    bins: Annotated[
        int | None, typer.Option(min=1, help="Number of bins; as in the spec by default.")
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(help="Columns to show, e.g. ece,mce,nll; 'all' for every one."),
    ] = None,
    output: Output = None,
    as_json: Json = False,
) -> None:
    """Print the calibration errors of the finished runs with the interval of the true error."""
    with connect(ctx) as client:
        found = find(client, experiment)
        tell_unfinished(found)
        if output is not None:
            query = {"binning": binning, "bins": bins}
            _saved(found.download("ece", output, query=query))
            return
        table = found.ece(binning, bins)
    if as_json:
        print_json(table.rows())
    elif table.height:
        shown = _chosen(found, table, columns)
        print_table(shown, f"{found.data.label()}: {table.bins} {table.binning} bins")
    else:
        console().print("No run has finished yet.")


def confusion(
    ctx: typer.Context,
    experiment: ExperimentArgument,
    run: Annotated[int, typer.Option(min=0, help="Index of the run in the experiment.")] = 0,
    as_json: Json = False,
) -> None:
    """Print which classes one run takes for which on the test set, with recall and precision."""
    with connect(ctx) as client:
        found = find(client, experiment)
        chosen = next((one for one in found.runs if one.index == run), None)
        if chosen is None:
            message = f"There is no run {run}; use 0 to {len(found.runs) - 1}."
            raise typer.BadParameter(message, param_hint="--run")
        table = chosen.confusion()
    if as_json:
        print_json(table)
        return
    counts = zip(table.matrix, table.classes, strict=True)
    rows = [
        {
            "class": row.label,
            **{f"as {label}": count for label, count in enumerate(answers)},
            "recall": row.recall,
            "precision": row.precision,
        }
        for answers, row in counts
    ]
    averages = f"balanced accuracy {cell(table.balanced_accuracy)}"
    averages += f", macro F1 {cell(table.macro_f1)}"
    print_table(Table.of_rows(rows), f"{chosen.data.label()}, seed {chosen.seed}: {averages}")


def claims(
    ctx: typer.Context,
    experiment: ExperimentArgument,
    others: With = None,
    adjust: Annotated[
        Literal["holm", "bh"],
        typer.Option(
            help="Correction for the number of claims: of the chance of any false verdict (Holm), "
            "or of the share of false ones (Benjamini and Hochberg)."
        ),
    ] = "holm",
    as_json: Json = False,
) -> None:
    """Print the claims of the article with measured values, intervals over seeds and verdicts."""
    with connect(ctx) as client:
        further = [find(client, other) for other in others or []]
        found = find(client, experiment).claims(further, adjust)
    if as_json:
        print_json(found)
        return
    shown = [claim for claim in found if claim.verdict is not None]
    if not shown:
        console().print("No claim of the article bears on these runs.")
    for kind, title in (("finding", None), ("sanity", "Sanity checks")):
        rows = [_row(claim) for claim in shown if claim.kind == kind]
        if rows:
            print_table(Table.of_rows(rows), title)


def _row(claim: Claim) -> dict[str, Any]:
    return {
        "claim": claim.text,
        "threshold": claim.threshold,
        "value": claim.value,
        "interval": f"{cell(claim.low)} to {cell(claim.high)}" if claim.low is not None else "",
        "seeds": claim.seeds,
        "p": claim.p_value,
        "p, corrected": claim.p_adjusted,
        "control": (claim.control.verdict or "missing").replace("_", " ") if claim.control else "",
        "verdict": _verdict(claim),
    }


def _verdict(claim: Claim) -> str:
    told = (claim.verdict or "").replace("_", " ")
    return f"{told} (threshold-sensitive)" if claim.threshold_sensitive else told


def figure(
    ctx: typer.Context,
    experiment: ExperimentArgument,
    name: Annotated[
        str | None,
        typer.Argument(
            help="Name of a figure, or 'all' for every figure that can be drawn; "
            "without it, list the figures."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="File or folder; the suffix of the file determines the format."
        ),
    ] = None,
    form: Annotated[
        Literal["png", "svg", "pdf"] | None, typer.Option("--format", help="Format of the file.")
    ] = None,
    others: With = None,
    dpi: Annotated[int | None, typer.Option(min=50, max=400, help="Dots per inch.")] = None,
    width: Annotated[float | None, typer.Option(help="Width in inches.")] = None,
    theme: Annotated[Literal["light", "dark"], typer.Option(help="Colour theme.")] = "light",
    as_json: Json = False,
) -> None:
    """List an experiment's figures, or save one."""
    with connect(ctx) as client:
        further = [find(client, other) for other in others or []]
        found = find(client, experiment)
        tell_unfinished(found)
        if name is None:
            _list_figures(found, further, as_json)
            return
        names = [name]
        if name == "all":
            names = [info.name for info in found.figures(further) if info.available]
        ending = output.suffix.removeprefix(".").lower() if output else ""
        if output and ending and not form and name != "all" and ending not in FORMATS:
            remedy = f"Use {', '.join(FORMATS)}, or say --format."
            raise InvalidFileError(f"{output}: no figure has the format '{ending}'.", remedy)
        chosen: Any = form or (ending if ending in FORMATS else "png")
        saved = []
        for each in names:
            drawn = found.figure(each, chosen, others=further, dpi=dpi, width=width, theme=theme)
            target = output
            if output and (name == "all" or not ending):
                make_folder(output)
            saved.append(drawn.save(target))
    if as_json:
        print_json([str(path) for path in saved])
    else:
        for path in saved:
            _saved(path)


def export(
    ctx: typer.Context,
    experiment: ExperimentArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File or folder.", show_default=False)
    ] = Path(),
    data: Annotated[
        str, typer.Option(help="An uploaded dataset as 'file', or its 'hash' alone.")
    ] = "file",
    as_json: Json = False,
) -> None:
    """Save an experiment with all results as one checksummed zip file."""
    with connect(ctx) as client:
        path = find(client, experiment).export(output, data)
    if as_json:
        print_json({"path": str(path), "bytes": path.stat().st_size})
    else:
        _saved(path)


def import_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file written by export.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Import an exported experiment."""
    with connect(ctx) as client:
        found = client.import_experiment(file)
    if as_json:
        print_json(found.data)
    else:
        runs = counted(len(found.data.runs), "run")
        text = f"{found.id}  {found.data.label()}: {runs} {found.state}"
        console().print(text, soft_wrap=True, markup=False)


def _chosen(found: Experiment, table: Table, columns: str | None) -> Table:
    """Run and seed beside the columns that were asked for; by default those that fit."""
    labels = found.data.run_labels()
    runs = {"run": [labels[run_id] for run_id in table["run_id"]], "seed": table["seed"]}
    interval = [
        "" if low is None else f"{cell(low)} to {cell(high)}"
        for low, high in zip(table["ece_low"], table["ece_high"], strict=True)
    ]
    known = {name: values for name, values in table.items() if name not in ("run", "run_id")}
    known |= {"interval": interval}
    known["by chance"] = [
        f"{cell(mean)} to {cell(high)}"
        for mean, high in zip(table["ece_floor"], table["ece_floor_high"], strict=True)
    ]
    if columns is None:
        names = ["ece", "interval", "by chance", "smooth_ece", "accuracy"]
    elif columns == "all":
        names = [name for name in known if name not in runs]
    else:
        names = [name.strip() for name in columns.split(",")]
    unknown = [name for name in names if name not in known]
    if unknown:
        message = f"Unknown: {', '.join(unknown)}. Known: {', '.join(known)}."
        raise typer.BadParameter(message, param_hint="--columns")
    return Table({**runs, **{name: known[name] for name in names}})


def _saved(path: Path) -> None:
    typer.echo(f"Saved {path}")


def _courses(found: Experiment, table: Curves) -> Table:
    """The last value of each metric, and the course of one."""
    metrics = table.metrics()
    shown = "test_loss" if "test_loss" in metrics else metrics[0]
    rows = []
    for run in found.data.runs:
        own = table.of_run(run.index)
        row: dict[str, Any] = {"run": run.label(), "seed": run.seed}
        row["epoch"] = own["epoch"][-1] if own.height else 0
        row |= {metric: own[metric][-1] if own.height else None for metric in metrics}
        rows.append(row | {f"course of {shown}": sparkline(own[shown])})
    return Table.of_rows(rows)


def _list_figures(found: Experiment, further: list[Experiment], as_json: bool) -> None:
    infos = found.figures(further)
    if as_json:
        print_json(infos)
        return
    rows = [
        {
            "name": info.name,
            "available": "yes" if info.available else "no",
            "": info.title if info.available else info.reason,
        }
        for info in infos
    ]
    print_table(Table.of_rows(rows))
