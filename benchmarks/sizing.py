"""The table of docs/operating/sizing.md: what many trainings at once need, from what was measured.

``python -m benchmarks.sizing`` writes it again from benchmarks/results.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import results

PAGE = Path(__file__).parents[1] / "docs" / "operating" / "sizing.md"
BEGIN, END = "<!-- sizing: begin -->\n", "<!-- sizing: end -->"


@dataclass(frozen=True)
class Plan:
    """A service of this size.

    Attributes:
        trainings: Runs in training at once, a core each.
        slots: Of them in one worker.
        heartbeat, checkpoint, reap: Seconds between them, as the settings of these names.
        run: Seconds that a run takes.
    """

    trainings: int
    slots: int = 2
    heartbeat: float = 0.5
    checkpoint: float = 5.0
    reap: float = 2.0
    run: float = 60.0

    @property
    def workers(self) -> int:
        return -(-self.trainings // self.slots)

    @property
    def connections(self) -> int:
        """A training and its heartbeat have one each, and each worker's reaper has one."""
        return 2 * self.trainings + self.workers


DEFAULT = Plan(1000)
CALM = replace(DEFAULT, slots=16, heartbeat=5.0, checkpoint=30.0, reap=10.0)


def rates(plan: Plan) -> dict[str, float]:
    """Operations a second on the database."""
    return {
        "lease": plan.trainings / plan.run,
        "finish": plan.trainings / plan.run,
        "heartbeat": plan.trainings / plan.heartbeat,
        "record": plan.trainings * (1 / plan.heartbeat - 1 / plan.checkpoint),
        "record with checkpoint": plan.trainings / plan.checkpoint,
        "sign of life": plan.workers / plan.reap,
        "reaping": plan.workers / plan.reap,
    }


def cores(plan: Plan, found: dict[str, Any]) -> dict[str, float]:
    """Cores of Postgres that each operation keeps busy."""
    costs = {name: row["cpu_ms"] / 1e3 for name, row in found["operations"].items()}
    # Reaping looks at all running runs.
    costs["reaping"] *= plan.trainings / found["running"]
    return {name: rate * costs[name] for name, rate in rates(plan).items()}


def most(plan: Plan, found: dict[str, Any]) -> int:
    """Trainings at which a Postgres of default settings has no connection left."""
    available = found["connections"]["postgres_default"]
    return int(available / (plan.connections / plan.trainings))


def block(found: dict[str, Any]) -> str:
    """Markdown of both plans, side by side."""
    plans = (DEFAULT, CALM)
    head = [f"| {DEFAULT.trainings:,} trainings at once | defaults | calmer |"]
    head.append("| --- | ---: | ---: |")
    rows: list[tuple[str, list[str]]] = [
        ("workers x slots", [f"{p.workers} x {p.slots}" for p in plans]),
        (
            "`REGLAB_HEARTBEAT_SECONDS`, `_CHECKPOINT_`, `_REAP_`",
            [f"{p.heartbeat:g}, {p.checkpoint:g}, {p.reap:g}" for p in plans],
        ),
    ]
    for name in rates(DEFAULT):
        cells = [f"{rates(p)[name]:,.0f}/s, {cores(p, found)[name]:.2f}" for p in plans]
        milliseconds = found["operations"][name]["cpu_ms"]
        rows.append((f"{name} ({milliseconds:.2f} ms each): rate, cores", cells))
    rows.append(
        ("**cores of Postgres**", [f"**{sum(cores(p, found).values()):.1f}**" for p in plans])
    )
    rows.append(("**connections to Postgres**", [f"**{p.connections:,}**" for p in plans]))
    each = found["connections"]["mib_each"]
    rows.append(
        ("memory of these connections, GiB", [f"{p.connections * each / 1024:.1f}" for p in plans])
    )
    memory = found["memory_mib"]
    for kind in ("two moons", "images"):
        total = [
            (p.trainings * memory[f"process, {kind}"] + p.workers * memory["main process"]) / 1024
            for p in plans
        ]
        rows.append((f"memory of workers, {kind}, GiB", [f"{gib:,.0f}" for gib in total]))
    kib = found["operations"]["finish"]["kib"]
    daily = [p.trainings / p.run * 86_400 * kib / 2**20 for p in plans]
    rows.append((f"disk a day ({kib:.0f} KiB per run), GiB", [f"{gib:,.0f}" for gib in daily]))
    lines = [*head, *(f"| {name} | {' | '.join(cells)} |" for name, cells in rows)]
    lines += ["", bottleneck(found), "", measured(found)]
    return "\n".join(lines) + "\n"


def bottleneck(found: dict[str, Any]) -> str:
    """Where it gets narrow first, and next."""
    available = found["connections"]["postgres_default"]
    parts = cores(DEFAULT, found)
    first, second = sorted(parts, key=lambda name: -parts[name])[:2]
    return (
        f"The first bottleneck is the number of connections: the {available} of a Postgres of "
        f"default settings are taken by {most(DEFAULT, found)} trainings "
        f"({most(CALM, found)} in workers of {CALM.slots}). The second is "
        f"Postgres' processor: with the default times "
        f"'{first}' takes {parts[first]:.1f} of {sum(parts.values()):.1f} cores, "
        f"'{second}' {parts[second]:.1f}."
    )


def measured(found: dict[str, Any]) -> str:
    """On what."""
    about = found["machine"]
    return (
        f"Measured {about['date']} on {about['cpu']}, {about['cores']} cores, with "
        f"{found['running']:,} runs in training; a run takes {DEFAULT.run:g} s. "
        "Waiting for the disk at commits is not part of it (fsync was off)."
    )


def update(found: dict[str, Any], page: Path = PAGE) -> None:
    """Write the block into the page."""
    text = page.read_text()
    start, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    page.write_text(text[:start] + block(found) + text[end:])


if __name__ == "__main__":
    from benchmarks.scaling import FILE

    update(results.load(FILE))
