"""The article's five training workloads, as the same arrays for every implementation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reglab.core import datasets
from reglab.core.datasets import Dataset
from reglab.core.engine.random_streams import stream
from reglab.core.presets import build
from reglab.core.spec import RunSpec, expand


@dataclass(frozen=True)
class Workload:
    """One row of the step-time table.

    Attributes:
        name: Short name, e.g. ``784-128-10 B 32``.
        spec: The resolved spec that reglab's engine trains.
        data: What it trains on.
    """

    name: str
    spec: RunSpec
    data: Dataset

    @property
    def steps_per_epoch(self) -> int:
        """Updates in one pass over the training set."""
        return self.spec.steps_per_epoch()

    def one_hot(self) -> NDArray[np.float64]:
        """Training targets, (N, K) float64."""
        return np.eye(self.data.n_classes)[self.data.y_train]


def preset_workload(
    preset: str, at: int, images: str | None = None, name: str | None = None
) -> Workload:
    """The ``at``-th run of a preset."""
    overrides: dict[str, Any] = {"dataset": {"name": images}} if images else {}
    spec = expand(build(preset, overrides))[at].spec
    data = datasets.load(spec.dataset, stream(0, "data"))
    return Workload(name or f"{preset}, run {at}", spec, data)


def article_workloads(images: str | None = None) -> list[Workload]:
    """The five workloads; ``images`` replaces the image sets where they are unavailable."""
    return [
        preset_workload("l2", 1, None, "2-64-64-2, B 32, SGD"),
        preset_workload("dropout", 1, None, "2-96-96-2, B 32, Adam, dropout"),
        preset_workload("label-smoothing", 0, images, "784-128-10, B 32, SGD"),
        preset_workload("augmentation", 0, images, "784-128-10, B 8, Adam"),
        preset_workload("early-stopping", 0, images, "784-128-128-10, B 500, SGD"),
    ]
