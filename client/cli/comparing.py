"""compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from reglab.client.arms import Adjust
from reglab.client.cli.base import Json, connect, find
from reglab.client.cli.output import console, print_json, print_table
from reglab.client.clients import Client
from reglab.client.compare import Comparison
from reglab.client.experiments import Experiment
from reglab.client.files import write_whole
from reglab.client.show import cell
from reglab.client.tables import Table, plain
from reglab.client.text import for_terminal


def compare(
    ctx: typer.Context,
    experiments: Annotated[
        list[str],
        typer.Argument(
            help="Ids, ends of ids, or 'last'; of arms also ID:K, the sweep point of run K.",
            show_default=False,
        ),
    ],
    baseline: Annotated[
        str | None, typer.Option(help="The arm that all others are compared with.")
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="Compare arms by it, e.g. test_loss; paired by seed.")
    ] = None,
    adjust: Annotated[
        Adjust | None, typer.Option(help="How p-values of arms are corrected; holm by default.")
    ] = None,
    margin: Annotated[
        float | None, typer.Option(help="Test whether arms differ by less than this.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Save as .csv or .tex.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare the runs of several experiments, or their sweep points as arms by one metric."""
    with connect(ctx) as client:
        found = [_arm(client, text) for text in experiments]
        first = _arm(client, baseline)[1] if baseline is not None else None
        table = client.compare(
            *(identifier for _, identifier in found),
            baseline=first,
            metric=metric,
            adjust=adjust,
            margin=margin,
        )
    if output is not None:
        is_latex = output.suffix.lower() == ".tex"
        path = write_whole(output, f"{table.to_latex()}\n".encode()) if is_latex else None
        typer.echo(f"Saved {path or table.save_csv(output)}")
    elif as_json:
        print_json(_document(table))
    else:
        _print([experiment for experiment, _ in found], table)


def _arm(client: Client, text: str) -> tuple[Experiment, str]:
    """The experiment, and the id of the arm: with the run that its sweep point is named by."""
    name, colon, run = text.partition(":")
    experiment = find(client, name)
    return experiment, f"{experiment.id}{colon}{run}"


def _document(table: Comparison) -> dict[str, Any]:
    if not table.arms.height:
        return {"differences": table.differences, "runs": table.rows()}
    return {
        "differences": table.differences,
        "varied": table.varied,
        "arms": table.arms.rows(),
        "comparisons": table.rows(),
        "ranks": table.ranks,
    }


def _print(experiments: list[Experiment], table: Comparison) -> None:
    by_id = list({experiment.id: experiment for experiment in experiments}.values())
    if table.differences:
        # Of runs an experiment has a column as often as it was named.
        columns = by_id if table.arms.height else experiments
        rows = [
            {
                "field": path,
                **{
                    f"{at}: {e.data.label()}": plain(v)
                    for at, (e, v) in enumerate(zip(columns, values, strict=True), 1)
                },
            }
            for path, values in table.differences.items()
        ]
        print_table(Table.of_rows(rows), "Differences of the specs")
    if not table.arms.height:
        print_table({n: v for n, v in table.items() if n != "experiment_id"}, "Runs")
        return
    arms = [
        {
            "arm": arm["arm"],
            "n": arm["n"],
            "mean": arm["mean"],
            "95 % interval": _span(arm),
            "rank": arm["rank"],
        }
        for arm in table.arms.rows()
    ]
    print_table(Table.of_rows(arms), "Arms")
    comparisons = [
        {
            "b minus a": f"{row['b']} - {row['a']}",
            "n": row["n"],
            "difference": row["difference"],
            "joint 95 % interval": _span(row),
            "p": row["p_value"],
            "corrected": row["p_adjusted"],
            "effect size": row["effect_size"],
            "decision": row["decision"],
        }
        for row in table.rows()
    ]
    print_table(Table.of_rows(comparisons), "Comparisons")
    for row in table.rows():
        console().print(for_terminal(row["text"]), soft_wrap=True, markup=False)
    ranks = table.ranks
    told = ranks["reason"] or (
        f"Friedman's test over {ranks['blocks']} {ranks['over']}: p = {cell(ranks['p_value'])}; "
        f"ranks that differ by more than {cell(ranks['critical_difference'])} are told apart."
    )
    console().print(f"{told} {table.varied}", soft_wrap=True, markup=False)


def _span(row: dict[str, Any]) -> str:
    return "" if row["low"] is None else f"{cell(row['low'])} to {cell(row['high'])}"
