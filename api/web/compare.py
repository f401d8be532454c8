"""Sweep points side by side: which to show, and where their specs differ."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reglab.core.results.arms import MOST_ARMS
from reglab.core.spec import labels, point_key
from reglab.core.statistics import mean_interval
from reglab.core.storage import ExperimentRecord, NotFoundError, RunRecord, Storage

# The page tests all of its sweep points against one another.
MAX_POINTS = MOST_ARMS
MAX_RUNS = 400
# Student's interval of fewer seeds is so wide that it says nothing.
LEAST_SEEDS = 3
# An experiment, and if not all of them, its runs by index: "0-8,10".
ADDRESS = re.compile(r"([^:]+)(?::(\d{1,9}(?:-\d{1,9})?(?:,\d{1,9}(?:-\d{1,9})?)*))?")


@dataclass(frozen=True)
class Mean:
    """A number over the finished runs of a point; ``half`` is half of its 95 % t interval."""

    value: float | None = None
    half: float | None = None


@dataclass(frozen=True)
class Compared:
    """One sweep point of an experiment; its runs differ in their seeds alone."""

    experiment: ExperimentRecord
    runs: list[RunRecord]
    label: str

    @property
    def states(self) -> dict[str, int]:
        """Number of runs by state."""
        found = [run.state for run in self.runs]
        return {state: found.count(state) for state in dict.fromkeys(found)}

    def mean(self, *path: str) -> Mean:
        """Of a number at this path of the runs' summaries."""
        values = [value for run in self.runs if (value := _at(run.summary, path)) is not None]
        if not values:
            return Mean()
        mean, low, high = (float(one) for one in mean_interval(np.array(values)))
        return Mean(mean, (high - low) / 2 if len(values) >= LEAST_SEEDS else None)


@dataclass(frozen=True)
class Choice:
    """What to compare, addresses that lead to nothing, and how many runs are too many."""

    points: list[Compared]
    missing: list[str]
    left_out: int


@dataclass(frozen=True)
class Difference:
    """One field of the specs; ``values`` has one entry per sweep point."""

    path: str
    values: list[Any]
    differs: bool


def chosen(
    storage: Storage,
    run_ids: Iterable[str],
    experiment_texts: Iterable[str],
    most_points: int = MAX_POINTS,
    most_runs: int = MAX_RUNS,
) -> Choice:
    """The sweep points of these runs, and of these experiments or parts of them."""
    found: dict[str, RunRecord] = {}
    missing: list[str] = []
    for identifier in dict.fromkeys(run_ids):
        try:
            found[identifier] = storage.runs.get(identifier)
        except NotFoundError:
            missing.append(identifier)
    for text in dict.fromkeys(experiment_texts):
        runs = _addressed(storage, text)
        if not runs:
            missing.append(text)
        found |= {run.id: run for run in runs}
    # Experiments in the order in which they were named, runs in their own.
    order = list(dict.fromkeys(run.experiment_id for run in found.values()))
    groups: dict[tuple[str, str], list[RunRecord]] = {}
    for run in sorted(found.values(), key=lambda run: (order.index(run.experiment_id), run.index)):
        groups.setdefault((run.experiment_id, point_key(run.params)), []).append(run)
    kept: list[list[RunRecord]] = []
    for group in groups.values():
        if len(kept) < most_points and sum(map(len, kept)) + len(group) <= most_runs:
            kept.append(group)
    experiments = {identifier: storage.experiments.get(identifier) for identifier in order}
    names = labels([group[0].params for group in kept], unswept="")
    points = [
        Compared(experiment, group, name or experiment.name or "Unnamed")
        for group, name in zip(kept, names, strict=True)
        for experiment in [experiments[group[0].experiment_id]]
    ]
    return Choice(points, missing, len(found) - sum(map(len, kept)))


def _addressed(storage: Storage, text: str) -> list[RunRecord]:
    parts = ADDRESS.fullmatch(text)
    if parts is None:
        return []
    try:
        runs = storage.experiments.runs(parts[1])
    except NotFoundError:
        return []
    if parts[2] is None:
        return runs
    wanted: set[int] = set()
    for one in parts[2].split(","):
        ends = [int(end) for end in one.split("-")]
        wanted.update(range(ends[0], min(ends[-1] + 1, len(runs))))
    return [run for run in runs if run.index in wanted]


def _at(summary: dict[str, Any] | None, path: Sequence[str]) -> float | None:
    value: Any = summary
    for name in path:
        value = (value or {}).get(name)
    found: float | None = value
    return found


def differences(specs: Sequence[dict[str, Any]]) -> list[Difference]:
    """Every field that any spec has, differing ones first, each group in the order of the specs."""
    flat = [_flatten(spec) for spec in specs]
    paths = dict.fromkeys(path for one in flat for path in one)
    rows = []
    for path in paths:
        values = [one.get(path) for one in flat]
        rows.append(Difference(path, values, any(value != values[0] for value in values)))
    return sorted(rows, key=lambda row: not row.differs)


def _flatten(document: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in document.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat
