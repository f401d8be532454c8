"""``python -m tests.faults``: hundreds of short runs while everything around them breaks."""

from __future__ import annotations

import argparse
import signal
import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.faults.run import MODES, Outcome, run_faults
from tests.harness.servers import Absent

NAMES = {"embedded": "SQLite and the folder broker", "servers": "Postgres and Redis"}


def main(arguments: list[str] | None = None) -> int:
    """Run the modes; returns 0 if nothing was lost, doubled or changed."""
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--mode", choices=[*MODES, "both"], default="both")
    parser.add_argument("--runs", type=int, default=240, help="runs of each pass")
    parser.add_argument("--seconds", type=float, default=90, help="how long faults are made")
    parser.add_argument("--seed", type=int, default=0, help="of the faults")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console()
    modes = MODES if options.mode == "both" else (options.mode,)
    try:
        outcomes = {mode: _run(mode, options, console) for mode in modes}
    except Absent as error:
        console.print(f"[red]{error} is not installed; try --mode embedded.[/red]")
        return 2
    except KeyboardInterrupt:
        return 130
    for mode, outcome in outcomes.items():
        console.print(_table(mode, outcome))
    wrong = [
        f"{NAMES[mode]}: {what}"
        for mode, outcome in outcomes.items()
        for what in outcome.verdict.wrong
    ]
    for what in wrong:
        console.print(f"[red]{what}[/red]")
    console.print(
        "[red]Not right.[/red]" if wrong else "[green]Nothing lost, nothing doubled.[/green]"
    )
    return 1 if wrong else 0


def _run(mode: str, options: argparse.Namespace, console: Console) -> Outcome:
    columns = (
        TextColumn("{task.description:<44}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        bars = {
            name: progress.add_task(f"{NAMES[mode]}, {name}", total=options.runs, start=False)
            for name in ("undisturbed", "disturbed")
        }

        def report(name: str, done: int, of: int) -> None:
            progress.start_task(bars[name])
            progress.update(bars[name], completed=done, total=of)
            if done == of:
                progress.stop_task(bars[name])

        return run_faults(mode, options.runs, options.seconds, options.seed, report)


def _table(mode: str, outcome: Outcome) -> Table:
    table = Table(title=NAMES[mode], show_header=False)
    table.add_column(justify="left")
    table.add_column(justify="right")
    for name, count in sorted(outcome.faults.items()):
        table.add_row(name, str(count))
    table.add_section()
    for name, count in outcome.verdict.counts.items():
        table.add_row(name, str(count))
    table.add_section()
    for name, seconds in outcome.seconds.items():
        table.add_row(f"{name} pass", f"{seconds:.0f} s")
    return table


if __name__ == "__main__":
    sys.exit(main())
