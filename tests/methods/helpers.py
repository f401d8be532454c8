"""Results of small runs, as storage would give them."""

from __future__ import annotations

from typing import Any

import numpy as np

from reglab.core.datasets import Dataset, load
from reglab.core.engine import Trainer, hold_out
from reglab.core.engine.random_streams import stream
from reglab.core.presets import build
from reglab.core.probes import Recorder
from reglab.core.results import RunResult
from reglab.core.spec import RunSpec, expand


def finish(
    spec: RunSpec, seed: int = 0, data: Dataset | None = None, params=None, index=0
) -> RunResult:
    """Train and probe one run."""
    whole = load(spec.dataset, stream(seed, "data")) if data is None else data
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
