"""Runs side by side: which to show, and where their specs differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reglab.core.spec import labels
from reglab.core.storage import ExperimentRecord, NotFound, RunRecord, Storage

MAX_COMPARED = 40


@dataclass(frozen=True)
class Compared:
    """One run of a comparison; its label is the sweep's values and the seed."""

    run: RunRecord
    experiment: ExperimentRecord
    label: str = ""


@dataclass(frozen=True)
class Difference:
    """One field of the specs; ``values`` has one entry a run."""

    path: str
    values: list[Any]
    differs: bool


def chosen(
    storage: Storage, run_ids: Iterable[str], experiment_ids: Iterable[str]
) -> tuple[list[Compared], list[str], int]:
    """The runs to compare, ids that are not there, and how many runs were left out."""
    found: dict[str, Compared] = {}
    missing: list[str] = []
    experiments: dict[str, ExperimentRecord] = {}

    def experiment(identifier: str) -> ExperimentRecord:
        if identifier not in experiments:
            experiments[identifier] = storage.experiments.get(identifier)
        return experiments[identifier]

    for identifier in dict.fromkeys(run_ids):
        try:
            run = storage.runs.get(identifier)
            found[run.id] = Compared(run, experiment(run.experiment_id))
        except NotFound:
            missing.append(identifier)
    for identifier in dict.fromkeys(experiment_ids):
        try:
            for run in storage.experiments.runs(identifier):
                found.setdefault(run.id, Compared(run, experiment(identifier)))
        except NotFound:
            missing.append(identifier)
    everything = list(found.values())
    kept = everything[:MAX_COMPARED]
    names = labels([item.run.params for item in kept])
    labelled = [
        replace(item, label=f"{name}, seed {item.run.seed}")
        for item, name in zip(kept, names, strict=True)
    ]
    return labelled, missing, len(everything) - len(kept)


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
