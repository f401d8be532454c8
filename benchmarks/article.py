"""(b) The whole article through the service, against the NumPy loop on the same work."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from benchmarks.timing import once
from benchmarks.workloads import Workload, preset_workload
from reglab.api.stack import Stack
from reglab.client import Client, Experiment
from reglab.core.presets import PRESETS
from reglab.core.storage.migrate import upgrade

GOAL = 12.0
# How long the NumPy loop trains a sample of each kind of run; the whole would take minutes.
SAMPLE_SECONDS = 1.5


def measure(
    images: str | None = None, scale: float = 1.0, echo: Callable[[str], None] = print
) -> dict[str, Any]:
    """Seconds of the service, cold and warm, and of the NumPy loop; epochs times ``scale``."""
    with tempfile.TemporaryDirectory() as folder:
        kernels = {"NUMBA_CACHE_DIR": str(Path(folder) / "kernels")}
        cold = _through_service(Path(folder) / "cold", kernels, images, scale)
        echo(f"  cold: {cold['all']:.1f} s, of which {cold['start']:.1f} s to the first lease")
        warm = _through_service(Path(folder) / "warm", kernels, images, scale)
        echo(f"  warm: {warm['all']:.1f} s, of which {warm['start']:.1f} s to the first lease")
    loop = _numpy_loop(images, scale)
    total = sum(part["seconds"] for part in loop)
    echo(f"  NumPy loop: {total:.0f} s")
    return {
        "cold": cold,
        "warm": warm,
        "numpy": loop,
        "numpy_seconds": total,
        "times_as_fast": total / warm["work"],
        "times_as_fast_cold": total / cold["all"],
        "goal": GOAL,
        "scale": scale,
    }


@contextmanager
def service(home: Path, env: dict[str, str]) -> Iterator[tuple[Stack, httpx.Client]]:
    """A fresh service in a folder of its own."""
    home.mkdir(parents=True)
    upgrade(f"sqlite:///{home / 'reglab.db'}")
    with (
        Stack(env={"REGLAB_HOME": str(home), **env}, logs=home / "logs") as stack,
        httpx.Client(base_url=f"{stack.url}/v1", timeout=120) as http,
    ):
        yield stack, http


def _through_service(
    home: Path, env: dict[str, str], images: str | None, scale: float
) -> dict[str, float]:
    """Seconds from starting the processes (all), and from the first run's start (work)."""
    began = time.time()
    with service(home, env) as (stack, _), Client(stack.url) as client:
        experiments = [
            client.submit(name, _overrides(name, images, scale))
            for name, preset in PRESETS.items()
            if preset.article
        ]
        client.wait(*experiments, progress=False)
        first, ended = span(experiments)
        runs = sum(len(experiment.runs) for experiment in experiments)
    return {"all": ended - began, "start": first - began, "work": ended - first, "runs": runs}


def span(experiments: Sequence[Experiment]) -> tuple[float, float]:
    """Start of the first run and end of the last, seconds since 1970, by the service's clock.

    Asking it again and again, to see the end as it comes, would take the time that is measured.
    """
    runs = [run.data for experiment in experiments for run in experiment.runs]
    started = min(run.started_at for run in runs if run.started_at)
    finished = max(run.finished_at for run in runs if run.finished_at)
    return started.timestamp(), finished.timestamp()


def submit(http: httpx.Client, body: dict[str, Any]) -> str:
    """Post an experiment; returns its id."""
    return str(http.post("/experiments", json=body).raise_for_status().json()["id"])


def _overrides(name: str, images: str | None, scale: float) -> dict[str, Any]:
    document = PRESETS[name].document
    overrides: dict[str, Any] = {
        "training.epochs": max(1, round(scale * document["training"]["epochs"]))
    }
    if images and PRESETS[name].substitute:
        overrides["dataset"] = {"name": images}
    return overrides


def _numpy_loop(images: str | None, scale: float) -> list[dict[str, Any]]:
    """What the loop needs for each kind of run, in one process, from a sample of its epochs."""
    kinds = [
        # L1 costs the loop a sign more than L2, and a shift a copy: neither is counted.
        (preset_workload("l2", 0), 2),
        (preset_workload("l2", 1), 16),
        (preset_workload("dropout", 0), 1),
        (preset_workload("dropout", 1), 1),
        (preset_workload("label-smoothing", 0, images), 9),
        (preset_workload("augmentation", 0, images), 2),
        (preset_workload("early-stopping", 0, images), 1),
    ]
    return [_sampled(workload, runs, scale) for workload, runs in kinds]


def _sampled(workload: Workload, runs: int, scale: float) -> dict[str, Any]:
    from benchmarks.baselines.numpy_loop import NumpyLoop

    loop = NumpyLoop(workload)
    once(loop.evaluate)
    wanted = workload.spec.training
    epoch = min(once(lambda: loop.train(1))[0] for _ in range(2))
    total = max(1, round(scale * wanted.epochs))
    epochs = min(total, max(1, round(SAMPLE_SECONDS / epoch)))
    epoch = once(lambda: loop.train(epochs))[0] / epochs
    look = min(once(loop.evaluate)[0] for _ in range(3))
    looks = 1 + -(-total // wanted.eval_every)
    return {
        "workload": workload.name,
        "runs": runs,
        "epochs": total,
        "sampled_epochs": epochs,
        "seconds": runs * (epoch * total + look * looks),
    }
