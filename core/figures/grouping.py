"""Runs by sweep point, and the mean and spread of their replicates."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from reglab.core.figures.base import Runs
from reglab.core.results import RunResult

Floats = NDArray[np.float64]
SHORT = {
    "regularization.l2": "λ₂",
    "regularization.l1": "λ₁",
    "regularization.dropout": "p",
    "regularization.label_smoothing": "ε",
    "regularization.augmentation": "augmentation",
    "training.batch_size": "batch size",
    "dataset.train_size": "training size",
}


@dataclass(frozen=True)
class Group:
    """Runs that differ in their seed only."""

    params: dict[str, Any]
    runs: list[RunResult]

    @property
    def label(self) -> str:
        """The sweep's values, short."""
        return (
            ", ".join(f"{_short(path)} = {_value(v)}" for path, v in self.params.items()) or "run"
        )

    def curve(self, metric: str) -> tuple[Floats, Floats, Floats, Floats]:
        """Epochs, and mean, lowest and highest of a metric over the replicates."""
        length = min(len(run.curves["epoch"]) for run in self.runs)
        table = np.stack([run.curves[metric][:length] for run in self.runs])
        epochs = np.asarray(self.runs[0].curves["epoch"][:length], np.float64)
        return epochs, table.mean(axis=0), table.min(axis=0), table.max(axis=0)


def groups(runs: Runs) -> list[Group]:
    """Groups in the order of their first run."""
    found: dict[str, Group] = {}
    for run in runs:
        key = json.dumps(run.params, sort_keys=True)
        found.setdefault(key, Group(run.params, [])).runs.append(run)
    return list(found.values())


def plot_metric(axes: Axes, group: Group, metric: str, **style: Any) -> None:
    """A line of the mean, and a band from lowest to highest where there are replicates."""
    epochs, mean, low, high = group.curve(metric)
    (line,) = axes.plot(epochs, mean, **style)
    if len(group.runs) > 1:
        axes.fill_between(epochs, low, high, color=line.get_color(), alpha=0.2, linewidth=0)


def swept(runs: Runs, path: str) -> list[tuple[float, RunResult]]:
    """The first replicate of each value of one numeric path, by rising value."""
    found: dict[float, RunResult] = {}
    for run in runs:
        section, _, leaf = path.partition(".")
        found.setdefault(float(getattr(getattr(run.spec, section), leaf)), run)
    return sorted(found.items(), key=lambda pair: pair[0])


def dataset_note(runs: Runs, expected: str) -> str:
    """A sentence for captions where another dataset stands in for the article's."""
    names = sorted({run.spec.dataset.name for run in runs})
    if names == [expected]:
        return ""
    return f" Drawn from {', '.join(names)} in place of {expected}."


def _short(path: str) -> str:
    return SHORT.get(path, path.rsplit(".", 1)[-1].replace("_", " "))


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("name", value))
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
