"""Which runs are compared: families that differ in a sweep and the seed only, paired by seed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from reglab.core.claims.base import PerSeed, Runs
from reglab.core.errors import NotMeasurableError
from reglab.core.results import RunResult

Floats = NDArray[np.float64]
Key = tuple[Any, ...]
Family = dict[Key, dict[int, RunResult]]


def family(runs: Runs, *paths: str, where: Callable[[RunResult], bool] = lambda _: True) -> Family:
    """Runs by their values at ``paths`` and by seed, all else being equal.

    Several experiments may be mixed: of the families that ``where`` lets through, the one with the
    most runs is taken. Keys are as in ``taken``.
    """
    families: dict[str, Family] = {}
    for run in runs:
        if not where(run):
            continue
        values, rest = taken(run, paths)
        families.setdefault(rest, {}).setdefault(values, {}).setdefault(run.seed, run)
    return max(families.values(), key=lambda one: sum(map(len, one.values())), default={})


def taken(run: RunResult, paths: Sequence[str]) -> tuple[Key, str]:
    """The values of a run's spec at some paths, and the rest of it as a text.

    Values are numbers, None, or JSON text of what is neither.
    """
    document = run.spec.model_dump(mode="json")
    values = tuple(_take(document, path) for path in paths)
    return values, json.dumps(document, sort_keys=True)


def pairs(
    left: Mapping[int, RunResult], right: Mapping[int, RunResult]
) -> dict[int, tuple[RunResult, RunResult]]:
    """Runs of both sides with the same seed."""
    return {seed: (left[seed], right[seed]) for seed in left if seed in right}


def over_sweep(
    table: Family, statistic: Callable[[RunResult], float]
) -> tuple[Floats, dict[int, Floats]]:
    """Sorted values (V,) of a sweep over one number, and the statistic (V,) of each whole seed."""
    keys = sorted(table)
    whole = set.intersection(*(set(table[key]) for key in keys)) if keys else set()
    found = {
        seed: np.array([statistic(table[key][seed]) for key in keys], np.float64) for seed in whole
    }
    return np.array([key[0] for key in keys], np.float64), found


def rank_correlation(values: Floats, found: Mapping[int, Floats]) -> PerSeed:
    """Spearman's rho of a statistic with the swept value, by seed; 0 where it never changes."""
    return {
        seed: float(scipy.stats.spearmanr(values, row).statistic) if np.ptp(row) else 0.0
        for seed, row in found.items()
    }


def held_out_minimum(found: Mapping[int, Floats]) -> dict[int, int]:
    """Index of the minimum for each seed, chosen on the mean of the other seeds.

    A minimum that is chosen and measured on the same noise looks lower than it is.
    """
    if len(found) < 2:
        raise NotMeasurableError(
            "The minimum is chosen on the other seeds, so that at least two are needed."
        )
    if len({len(row) for row in found.values()}) > 1:
        raise NotMeasurableError("The seeds were not evaluated at the same epochs.")
    total = np.sum(list(found.values()), axis=0)
    return {seed: int(np.argmin(total - row)) for seed, row in found.items()}


def _take(document: dict[str, Any], path: str) -> Any:
    *parents, leaf = path.split(".")
    node = document
    for parent in parents:
        node = node[parent]
    value = node.pop(leaf, None)
    return json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else value
