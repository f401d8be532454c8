"""The results as Markdown; the README shows this text between its markers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.machine import sentence

# Above this share of a core taken by others, the text says so.
BUSY = 0.03
README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"


def markdown(results: dict[str, Any]) -> str:
    """All parts that were measured, each under its own line of text."""
    parts = [steps(results["steps"], results["machine"])] if "steps" in results else []
    return "\n\n".join(parts)


def steps(rows: list[dict[str, Any]], machine: dict[str, Any]) -> str:
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
    return text + table(head, body) + f"\n\n{sentence(machine)}. {machine['date']}.{busy}"


def verdict(ratio: float, goal: float) -> str:
    """A ratio, its goal, and whether it is met."""
    return f"{ratio:.2f} ({'≤' if ratio <= goal else 'missed:'} {goal:.2f})"


def number(value: float) -> str:
    """Three significant digits, thousands apart."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; all columns but the first to the right."""
    names = list(head)
    rule = ["---"] + ["---:"] * (len(names) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in (names, rule, *map(list, rows)))


def readme_block(results: dict[str, Any]) -> str:
    """What belongs between the README's markers."""
    return f"{BEGIN}\n{markdown(results)}\n{END}"


def update_readme(results: dict[str, Any], readme: Path = README) -> None:
    """Put the tables between the markers.

    Raises:
        ValueError: The README has no pair of markers.
    """
    text = readme.read_text()
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"{readme} needs the lines {BEGIN} and {END}")
    readme.write_text(pattern.sub(lambda _: readme_block(results), text))
