"""Experiments and results that are stored without training anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from fastapi.testclient import TestClient

from reglab.api.app import create_app
from reglab.core.presets import build
from reglab.core.results import CURVE_COLUMNS, RunResult
from reglab.core.settings import Settings
from reglab.core.spec import expand
from reglab.core.storage import Submission
from reglab.core.storage.migrate import upgrade
from tests.harness.synthetic import predictions, stripes

# What every finished run on two moons has.
ARRAYS = {
    **predictions([0.9, 0.8], [True, False]),
    **stripes(2),
    "param.W1": np.ones((4, 4), np.float32),
}


def serve(home: Path) -> TestClient:
    url = f"sqlite:///{home / 'reglab.db'}"
    upgrade(url)
    return TestClient(create_app(Settings(home=home, database_url=url)))


def store(client: TestClient, preset: str, runs: list[RunResult], **overrides: Any) -> str:
    """An experiment of a preset whose runs have succeeded with these results."""
    storage = client.app.state.context.storage  # type: ignore[attr-defined]
    spec = build(preset, {"seeds": sorted({run.seed for run in runs}), **overrides})
    resolved = expand(spec)
    identifier, _ = storage.experiments.create(Submission(spec, resolved, preset=preset))
    by_point = {(str(run.params), run.seed): run for run in runs}
    for record in storage.experiments.runs(identifier):
        run = by_point[str(record.params), record.seed]
        lease = storage.runs.lease(record.id, "by hand")
        storage.runs.finish(lease, run.curves, ARRAYS | dict(run.arrays), run.summary)
    return str(identifier)


def submit(storage, runs=3, key=None, request_hash="h", **changes):
    sweep = {"regularization.l2": [0.001 * k for k in range(runs)]}
    spec = build("l2", {"sweep": sweep, **changes})
    return storage.experiments.create(
        Submission.of(spec, preset="l2", key=key, request_hash=request_hash)
    )[0]


def columns(first, count):
    epochs = np.arange(first, first + count)
    return {name: epochs.astype(float) for name in CURVE_COLUMNS} | {"epoch": epochs}
