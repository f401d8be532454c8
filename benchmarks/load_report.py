"""The load test in words and as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from benchmarks.machine import sentence
from benchmarks.plots import COLORS, save
from benchmarks.tables import number, table

LOOKS = {"server": COLORS["reglab"], "workers": COLORS["numpy"]}


def text(found: dict[str, Any]) -> str:
    """Verdicts first, then the routes."""
    clients = f"{found['readers']} readers, {found['watchers']} watchers of event streams"
    lines = [
        f"{clients} and {found['submitters']} submitters for {found['seconds']:.0f} s:",
        f"- {found['requests']:,} requests, {found['failures']} failed, "
        f"{found['refused']} refused with 429 for now, "
        f"{found['server_faults_logged']} faults logged; half within {number(found['p50'])} ms, "
        f"99 % within {number(found['p99'])} ms.",
        f"- {found['experiments_trained']} experiments of two runs were trained meanwhile.",
    ]
    for role, grown in found["growth"].items():
        verdict = "flat" if grown["flat"] else "GROWS"
        lines.append(
            f"- Memory of the {role}: {grown['first_mib']:.0f} MiB in the first third after "
            f"warm-up, {grown['last_mib']:.0f} MiB in the last: {verdict}."
        )
    body = [
        (
            f"`{row['name']}`",
            f"{row['requests']:,}",
            str(row["failures"]),
            number(row["p50"]),
            number(row["p99"]),
            number(row["largest"]),
        )
        for row in sorted(found["routes"], key=lambda row: -row["requests"])
        if row["name"] not in ("Aggregated", "run run", "run refused")
    ]
    head = ("request", "number", "failed", "median ms", "p99 ms", "largest ms")
    errors = [f"- {row['Occurrences']} x {row['Name']}: {row['Error']}" for row in found["errors"]]
    parts = ["\n".join(lines), table(head, body), *(["\n".join(errors)] if errors else [])]
    return "\n\n".join([*parts, f"On {sentence(found['machine'])}"])


def draw(found: dict[str, Any], path: Path) -> list[Path]:
    """Memory, answer times and requests over time, as PNG and SVG."""
    figure = Figure(figsize=(9, 7.5), layout="constrained")
    memory, times, rate = figure.subplots(3, 1, sharex=True)
    minutes = [row["at"] / 60 for row in found["memory"]]
    for role, grown in found["growth"].items():
        label = f"{role}: {grown['first_mib']:.0f} to {grown['last_mib']:.0f} MiB"
        values = [row[role] for row in found["memory"]]
        memory.plot(minutes, values, color=LOOKS[role], lw=1.6, label=label)
    memory.set_ylim(0)
    memory.set_ylabel("resident memory, MiB")
    history = found["history"]
    minutes = [row["at"] / 60 for row in history]
    for name, label, style in (("p50", "median", "-"), ("p99", "99 %", "--")):
        values = [row[name] for row in history]
        times.plot(minutes, values, style, color=COLORS["reglab"], lw=1.4, label=label)
    times.set_yscale("log")
    times.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    times.set_ylabel("time to answer, ms (log)")
    rate.plot(minutes, [row["requests"] for row in history], color=COLORS["reglab"], lw=1.4)
    rate.set_ylim(0)
    rate.set_ylabel("requests per second")
    rate.set_xlabel("minutes")
    for axes in (memory, times, rate):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#eeeeee")
        axes.set_axisbelow(True)
    for axes in (memory, times):
        axes.legend(frameon=False, fontsize=9, loc="best")
    clients = found["readers"] + found["watchers"]
    figure.suptitle(f"{clients} readers and {found['submitters']} submitters", fontsize=11)
    return save(figure, path)
