"""The results as Markdown; the reference page shows this text between its markers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.machine import sentence

# Above this share of a core taken by others, the text says so.
BUSY = 0.03
PAGE = Path(__file__).parent.parent / "docs" / "reference" / "benchmarks.md"
BEGIN, END = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"


def markdown(results: dict[str, Any]) -> str:
    """All parts that were measured, each under its own line of text."""
    drawn = {"steps": steps, "article": article, "service": service, "growth": growth}
    parts = [draw(results[name]) for name, draw in drawn.items() if name in results]
    machine = results["machine"]
    return "\n\n".join([*parts, f"Measured {machine['date']} on {sentence(machine)}"])


def steps(rows: list[dict[str, Any]]) -> str:
    """(a) Microseconds per step, ratios with the goal met or not."""
    body = []
    for row in rows:
        us = row["microseconds"]
        body.append(
            (
                row["workload"],
                number(us["reglab"]["median"]),
                number(us["numpy"]["median"]),
                number(us["torch"]["median"]),
                number(us[row["jax_best"]]["median"]),
                verdict(row["to_numpy"], row["numpy_goal"]),
                verdict(row["to_jax"], row["jax_goal"]),
            )
        )
    head = ("workload", "reglab", "NumPy loop", "PyTorch", "JAX", "of NumPy", "of JAX")
    text = (
        "Microseconds per training step, one core each, medians of "
        f"{rows[0]['repeats']} interleaved repeats in one run; a ratio is reglab's time over the "
        "other's, with its goal.\n\n"
    )
    stolen = max(row["stolen"] for row in rows)
    busy = f" Other processes took up to {stolen:.0%} of the core." if stolen > BUSY else ""
    compiled = ", ".join(f"{row['compile_seconds'][row['jax_best']]:.1f}" for row in rows)
    note = f"JAX is `vmap` and `scan` in the better of two forms, compiled before in {compiled} s."
    return text + table(head, body) + f"\n\n{note}{busy}"


def article(found: dict[str, Any]) -> str:
    """(b) The whole article."""
    body = [
        (
            f"reglab, {found['warm']['runs']} runs over HTTP, all cores",
            number(found["warm"]["work"]),
            verdict_above(found["times_as_fast"], found["goal"]),
        ),
        (
            "the same on a new machine: kernels compiled, processes started",
            number(found["cold"]["all"]),
            f"{found['times_as_fast_cold']:.1f}",
        ),
        (
            "NumPy loop, same epochs and evaluations, from a sample",
            number(found["numpy_seconds"]),
            "1",
        ),
    ]
    scaled = f" Only {found['scale']:.1%} of the epochs." if found["scale"] != 1 else ""
    text = f"The whole article: six presets, one seed.{scaled}\n\n"
    return text + table(("", "seconds", "times as fast"), body)


def service(rows: list[dict[str, Any]]) -> str:
    """(c) What the service costs."""
    body = []
    for row in rows:
        shown = number(row["median"])
        if row["goal"] is not None:
            met = row["median"] <= row["goal"]
            shown += f" ({'≤' if met else 'missed:'} {row['goal']:g})"
        body.append((row["what"], shown, number(row["max"])))
    text = "What the service costs around a training, milliseconds.\n\n"
    return text + table(("", "median", "largest"), body)


def growth(found: dict[str, list[dict[str, float]]]) -> str:
    """(d) How time grows when something doubles, over the last doubling and all of them."""
    body = []
    for name, points in found.items():
        if len(points) < 2:
            continue
        first, before, last = points[0], points[-2], points[-1]
        doublings = math.log2(last["x"] / first["x"])
        body.append(
            (
                f"{name}, {first['x']:g} to {last['x']:g}",
                f"{last['seconds'] / before['seconds']:.2f}",
                f"{(last['seconds'] / first['seconds']) ** (1 / doublings):.2f}",
                f"{max(0.0, last['mib'] - first['mib']):.0f} MiB more" if last["mib"] else "",
            )
        )
    text = (
        "Growth: time is multiplied by so much when a thing doubles (width and training size: an "
        "epoch of the l2 preset; runs and workers: a sweep through the service).\n\n"
    )
    return text + table(("", "last doubling", "mean", "memory, in all"), body)


def verdict(ratio: float, goal: float) -> str:
    """A ratio, its goal, and whether it is met."""
    return f"{ratio:.2f} ({'≤' if ratio <= goal else 'missed:'} {goal:.2f})"


def verdict_above(ratio: float, goal: float) -> str:
    """As ``verdict`` for a ratio that should be large."""
    return f"{ratio:.1f} ({'≥' if ratio >= goal else 'missed:'} {goal:g})"


def number(value: float) -> str:
    """Three significant digits, thousands apart."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; all columns but the first to the right."""
    names = list(head)
    rule = ["---"] + ["---:"] * (len(names) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in (names, rule, *map(list, rows)))


def block(results: dict[str, Any]) -> str:
    """The text between the markers of the page, including both."""
    return f"{BEGIN}\n{markdown(results)}\n{END}"


def update(results: dict[str, Any], page: Path = PAGE) -> None:
    """Put the tables between the markers.

    Raises:
        ValueError: The page has no pair of markers.
    """
    text = page.read_text()
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"{page} needs the lines {BEGIN} and {END}")
    page.write_text(pattern.sub(lambda _: block(results), text))
