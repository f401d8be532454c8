"""Curves of replicates: on one axis of epochs, and as a mean with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reglab.core.statistics.intervals import mean_interval

Floats = NDArray[np.float64]
Curves = Mapping[str, NDArray[Any]]


def align(replicates: Sequence[Curves], metric: str) -> tuple[NDArray[np.int64], Floats]:
    """All epochs (T,) that any replicate was evaluated at, and the metric (R, T).

    NaN where a replicate has no such epoch or metric: it is still running, or has stopped early.
    """
    epochs = np.unique(np.concatenate([np.asarray(one["epoch"], np.int64) for one in replicates]))
    table = np.full((len(replicates), len(epochs)), np.nan)
    for row, one in zip(table, replicates, strict=True):
        if metric in one:
            row[np.searchsorted(epochs, np.asarray(one["epoch"], np.int64))] = one[metric]
    return epochs, table


def aggregate(replicates: Sequence[Curves], metrics: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Columns ``epoch``, ``seeds`` (how many replicates have it), and three for each metric.

    ``<metric>`` is the mean, ``<metric>_low`` and ``<metric>_high`` its 95 % t interval: NaN where
    fewer than two replicates have the epoch.
    """
    columns: dict[str, NDArray[Any]] = {}
    for metric in metrics:
        epochs, table = align(replicates, metric)
        if not columns:
            present = [np.isin(epochs, np.asarray(one["epoch"], np.int64)) for one in replicates]
            columns = {"epoch": epochs, "seeds": np.sum(present, axis=0)}
        mean, low, high = mean_interval(table)
        columns |= {metric: mean, f"{metric}_low": low, f"{metric}_high": high}
    return columns
