"""watch: a live table of an experiment's runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from reglab.client.cli.base import ExperimentArgument, Json, connect, find
from reglab.client.cli.output import sparkline
from reglab.client.events import (
    DeletedEvent,
    Event,
    MetricsEvent,
    ProgressEvent,
    RunMoved,
    StateEvent,
)
from reglab.client.experiments import Experiment
from reglab.client.show import COLOURS, cell
from reglab.client.waiting import raise_if_failed

POINTS = 400
COURSE = 16


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command(rich_help_panel="Experiments")(watch)


def watch(ctx: typer.Context, experiment: ExperimentArgument, as_json: Json = False) -> None:
    """Watch an experiment until it ends: a live table, or one JSON object per line and event."""
    with connect(ctx) as client:
        found = find(client, experiment)
        if as_json:
            for event in found.events():
                typer.echo(event.model_dump_json())
        else:
            view = View(found)
            with Live(view, console=Console(), refresh_per_second=4) as live:
                for event in found.events():
                    view.accept(event)
                live.refresh()
        found.refresh()
    raise_if_failed(found.data)


class View:
    """The runs as they are, and the course of their losses; drawn by rich."""

    def __init__(self, experiment: Experiment) -> None:
        data = experiment.data
        self._title, self._state = data.label(), str(data.state)
        self._progress = data.progress
        self._runs: dict[str, RunMoved] = {
            run.id: RunMoved.model_validate(run.model_dump()) for run in data.runs
        }
        labels = data.run_labels()
        self._labels = {run.id: (labels[run.id], run.seed) for run in data.runs}
        self._curves: dict[str, list[tuple[int, float, float]]] = {run.id: [] for run in data.runs}
        self._take(experiment.curves(["test_loss", "test_accuracy"], max_points=POINTS))

    def accept(self, event: Event) -> None:
        """Take over what an event tells."""
        if isinstance(event, StateEvent | ProgressEvent):
            self._progress = event.progress
            self._runs |= {run.id: run for run in event.runs}
        if isinstance(event, StateEvent):
            self._state = event.state
        elif isinstance(event, MetricsEvent):
            self._take(event.columns)
        elif isinstance(event, DeletedEvent):
            self._state = "deleted"

    def _take(self, columns: Any) -> None:
        rows = zip(
            columns["run_id"],
            columns["epoch"],
            columns["test_loss"],
            columns["test_accuracy"],
            strict=True,
        )
        for run_id, epoch, loss, accuracy in rows:
            known = self._curves[run_id]
            # A second attempt tells the same epochs again.
            if not known or epoch > known[-1][0]:
                known.append((epoch, loss, accuracy))

    def __rich__(self) -> Group:
        """The picture of this moment."""
        table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
        table.add_column("run", overflow="ellipsis", no_wrap=True)
        table.add_column("seed", no_wrap=True)
        table.add_column("state", no_wrap=True)
        for name in ("epoch", "test loss", "accuracy"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("its course", width=COURSE, no_wrap=True)
        for run in sorted(self._runs.values(), key=lambda run: run.index):
            table.add_row(*self._row(run))
        state = Text(self._state, style=COLOURS.get(self._state, ""))
        head = Text.assemble((self._title, "bold"), "  ", state, f"  {100 * self._progress:.0f} %")
        return Group(head, table)

    def _row(self, run: RunMoved) -> Iterable[Any]:
        label, seed = self._labels.get(run.id, (str(run.index), ""))
        curve = self._curves[run.id]
        loss, accuracy = (curve[-1][1], curve[-1][2]) if curve else (None, None)
        yield label
        yield str(seed)
        yield Text(run.state, style=COLOURS[run.state])
        yield str(run.epoch)
        yield cell(loss)
        yield "" if accuracy is None else f"{100 * accuracy:.2f} %"
        yield sparkline([point[1] for point in curve], COURSE)
