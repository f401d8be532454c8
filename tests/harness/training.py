"""Small datasets and specs, and the results of training them."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np

from reglab.core import datasets
from reglab.core.datasets import Dataset
from reglab.core.engine import Checkpoint, Trainer, hold_out
from reglab.core.engine.random_streams import stream
from reglab.core.presets import build
from reglab.core.probes import Recorder
from reglab.core.results import RunResult
from reglab.core.spec import Digits, RunSpec, TwoMoons, expand, merge

BASE: dict[str, Any] = {
    "dataset": {"name": "two_moons"},
    "model": {"hidden": [7, 5], "activation": "tanh"},
    "optimizer": {"name": "sgd", "schedule": {"lr": 0.2, "alpha": 0.7, "tau": 30.0}},
    "training": {"epochs": 3, "batch_size": 16},
}


def spec(changes: dict[str, Any] | None = None) -> RunSpec:
    return RunSpec.model_validate(merge(BASE, changes or {}))


def moons(size: int = 50) -> Dataset:
    wanted = TwoMoons(name="two_moons", train_size=size, test_size=40, label_flip=0.1)
    return datasets.load(wanted, np.random.default_rng(5))


def digits(size: int = 50) -> Dataset:
    """8 x 8 images; about half of the pixels are zero."""
    wanted = Digits(name="digits", train_size=size, test_size=40)
    return datasets.load(wanted, np.random.default_rng(5))


def sparse_digits(size: int = 50) -> Dataset:
    """The same with faint pixels put out, so that the first layer goes over non-zeros."""
    data = digits(size)
    x, test = (
        np.where(data.x_train > 0.8, data.x_train, 0),
        np.where(data.x_test > 0.8, data.x_test, 0),
    )
    return Dataset(x, data.y_train, test, data.y_test, 10, data.image_shape, data.class_names, {})


def finish(
    spec: RunSpec, seed: int = 0, data: Dataset | None = None, params=None, index=0
) -> RunResult:
    """Train and probe one run."""
    whole = datasets.load(spec.dataset, stream(seed, "data")) if data is None else data
    part = hold_out(whole, spec, seed)
    trainer, recorder = Trainer(spec, part, seed), Recorder(spec, part, seed)
    rows = []
    for evaluation in trainer:
        rows.append(evaluation.document())
        recorder.observe(evaluation.epoch, trainer.network())
    arrays, summary = recorder.finish(trainer.network())
    curves = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return RunResult(
        f"run-{index}", index, params or {}, seed, spec, curves, arrays, trainer.summary() | summary
    )


def small(preset: str, overrides: dict[str, Any]) -> list[RunResult]:
    """All runs of a preset with overrides, which should make it small."""
    return [
        finish(run.spec, run.seed, params=run.params, index=run.index)
        for run in expand(build(preset, overrides))
    ]


def run(trainer):
    evaluations = list(trainer)
    return evaluations, trainer.network().theta


def through_storage(checkpoint: Checkpoint) -> Checkpoint:
    buffer = io.BytesIO()
    np.savez(buffer, **checkpoint.arrays)
    buffer.seek(0)
    return Checkpoint(dict(np.load(buffer)), json.loads(json.dumps(checkpoint.state)))
