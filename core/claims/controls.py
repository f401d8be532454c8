"""Controls that are made of a claim's own runs, and the one of shuffled labels.

Each gives some runs the results of others, which are then measured as if they were their own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reglab.core.claims.base import Control, Runs
from reglab.core.claims.select import taken
from reglab.core.results import RunResult

SHUFFLED = Control("labels shuffled", changes={"dataset.label_noise": 1.0})
Table = dict[Any, dict[int, RunResult]]
# The least value of a sweep, whatever it is.
LEAST = "least"


def method_off(path: str, off: Any = 0.0, text: str = "") -> Control:
    """Runs at other values have the results of runs at ``off`` of other seeds.

    The k-th value of a seed has those of the k-th next seed. ``off`` may be ``LEAST``.
    """

    def take(runs: Runs) -> Runs:
        found: list[RunResult] = []
        for table in tables(runs, path):
            plain = table.pop(min(table, key=_order) if off is LEAST else off, {})
            seeds = sorted(plain)
            found += plain.values()
            for shift, value in enumerate(sorted(table, key=_order), 1):
                for seed, run in table[value].items():
                    if seed in plain:
                        donor = seeds[(seeds.index(seed) + shift) % len(seeds)]
                        found.append(with_results(run, plain[donor]))
        return found

    name = path.rpartition(".")[2].replace("_", " ")
    return Control(text or f"{name} {_named(off)} everywhere", take)


def other_arm(path: str, of: Any = 0.0, text: str = "") -> Control:
    """Runs at ``of`` have the results of the runs at the largest other value of their seed."""

    def take(runs: Runs) -> Runs:
        found = []
        for table in tables(runs, path):
            others = sorted((value for value in table if value != of), key=_order)
            for value, row in table.items():
                donors = table[others[-1]] if others and value == of else row
                found += [
                    with_results(run, donors[seed]) for seed, run in row.items() if seed in donors
                ]
        return found

    name = path.rpartition(".")[2].replace("_", " ")
    return Control(text or f"the runs of the largest {name}", take)


def changed(text: str, change: Callable[[RunResult], RunResult]) -> Control:
    """Every run with other results."""
    return Control(text, lambda runs: [change(run) for run in runs])


def untrained(where: Callable[[RunResult], bool], text: str) -> Control:
    """Some runs as they were before training: their curves stay at the first evaluation."""

    def change(run: RunResult) -> RunResult:
        if not where(run):
            return run
        curves = {name: np.full_like(column, column[0]) for name, column in run.curves.items()}
        return replace(run, curves={**curves, "epoch": run.curves["epoch"]}, summary={})

    return changed(text, change)


def with_results(run: RunResult, donor: RunResult) -> RunResult:
    """A run with the results of another."""
    return replace(run, curves=donor.curves, arrays=donor.arrays, summary=donor.summary)


def with_curves(run: RunResult, **columns: NDArray[Any]) -> RunResult:
    """A run with other columns of its curves, and no summary of the old ones."""
    return replace(run, curves={**run.curves, **columns}, summary={})


def with_arrays(run: RunResult, arrays: Mapping[str, NDArray[Any]]) -> RunResult:
    """A run with other arrays beside its own."""
    return replace(run, arrays={**run.arrays, **arrays})


def tables(runs: Runs, path: str) -> list[Table]:
    """Runs that differ in their seed and at one path alone, by value and seed."""
    found: dict[str, Table] = {}
    for run in runs:
        (value,), rest = taken(run, (path,))
        found.setdefault(rest, {}).setdefault(value, {}).setdefault(run.seed, run)
    return list(found.values())


def _order(value: Any) -> tuple[bool, Any]:
    return isinstance(value, str), value if value is not None else 0.0


def _named(value: Any) -> str:
    return "off" if value in (None, 0.0, False) else json.dumps(value).strip('"')
