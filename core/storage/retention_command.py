"""``reglab retention --days N``: delete old experiments, to free space."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from reglab.core.process.commands import commands, run_app
from reglab.core.settings import Settings
from reglab.core.storage import Storage
from reglab.core.storage.retention import KEEP_TAG, Retention, Rule


def apply(
    retention: Retention, rule: Rule, really: bool, say: Callable[[str], object] = print
) -> tuple[int, int]:
    """List what is old; delete it if asked to. Returns experiments and bytes."""
    number = size = 0
    for old in retention.old(rule):
        if really and not retention.delete(old.id, rule):
            continue
        number, size = number + 1, size + old.bytes
        say(f"{old.ended_at:%Y-%m-%d} {old.id} {old.bytes / 2**20:8.2f} MiB  {old.name}")
    for name, count in retention.expired(rule.before, dry=not really).items():
        say(f"{count} {name}")
    verb = "deleted" if really else "would be deleted; add --delete"
    say(f"{number} experiments, {size / 2**20:.2f} MiB {verb}")
    return number, size


# A hundred years.
MOST_DAYS = 36_500

HELP = f"""Delete old experiments, to free space.

Without --delete it only lists what would be deleted. Experiments with queued or running runs, and
by default those with the tag '{KEEP_TAG}', are never deleted.
"""
KEEPS = f"Keep experiments with this tag; may be repeated. Default: {KEEP_TAG}."
app = commands()


@app.command(help=HELP)
def _command(
    days: Annotated[float, typer.Option(min=0, help="Days since the end and the last change.")],
    tag: Annotated[str | None, typer.Option(help="Only experiments with this tag.")] = None,
    keep_tag: Annotated[list[str] | None, typer.Option(help=KEEPS)] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete what is listed.")] = False,
    vacuum: Annotated[bool, typer.Option("--vacuum", help="Shrink the database.")] = False,
) -> None:
    if not days <= MOST_DAYS:
        raise typer.BadParameter(f"Give at most {MOST_DAYS}.", param_hint="--days")
    storage = Storage.of(Settings.from_env())
    keep = keep_tag if keep_tag is not None else [KEEP_TAG]
    rule = Rule(datetime.now(UTC) - timedelta(days=days), tag, keep)
    try:
        apply(storage.retention, rule, delete)
        if vacuum and delete:
            storage.retention.vacuum()
    finally:
        storage.close()


def main() -> int:
    """Run the command; returns the exit code."""
    return run_app(app, "retention")


if __name__ == "__main__":
    sys.exit(main())
