"""(d) Time and memory as width, training size, runs and workers double."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.article import service, span
from reglab.client import Client

WIDTHS = (16, 32, 64, 128, 256, 512)
SIZES = (250, 500, 1000, 2000, 4000)
RUNS = (1, 2, 4, 8, 16)
EPOCHS = 1500
Points = list[dict[str, float]]


def measure(echo: Callable[[str], None] = print) -> dict[str, Points]:
    """Series of (x, seconds, MiB), each point the best of three."""
    workers = [n for n in (1, 2, 4, 8, 16, 32) if n <= len(os.sched_getaffinity(0))]
    found = {
        "width": [_training(width, hidden=[width, width]) for width in WIDTHS],
        "training size": [_training(size, train_size=size) for size in SIZES],
    }
    found["runs"] = _through_service(RUNS, [max(workers)])
    found["workers"] = _through_service([max(RUNS)], workers)
    for name, points in found.items():
        text = ", ".join(f"{p['x']:g}: {p['seconds'] * p['unit']:.3g}" for p in points)
        echo(f"  {name}: {text}")
    return found


def _training(x: int, **changes: Any) -> dict[str, float]:
    """One process trains one network; it says its time per epoch and its peak memory."""
    out = subprocess.run(
        [sys.executable, "-m", "benchmarks.one_training", json.dumps(changes)],
        check=True,
        capture_output=True,
        text=True,
    )
    return {"x": x, "unit": 1e6, **json.loads(out.stdout)}


def _through_service(runs: Any, workers: Any) -> Points:
    """Seconds of a sweep of so many runs on so many worker processes."""
    points = []
    for processes in workers:
        with tempfile.TemporaryDirectory() as folder:
            env = {"REGLAB_WORKER_PROCESSES": str(processes)}
            with service(Path(folder) / "home", env) as (stack, _), Client(stack.url) as client:
                _timed_sweep(client, processes, 1000)
                for count in runs:
                    seconds = min(_timed_sweep(client, count, at) for at in range(2))
                    x = count if len(runs) > 1 else processes
                    points.append({"x": x, "unit": 1.0, "seconds": seconds, "mib": 0.0})
    return points


def _timed_sweep(client: Client, count: int, at: int) -> float:
    """Seeds that were not used before: an equal run would not be trained again."""
    seeds = list(range(at * 100_000 + count * 1000, at * 100_000 + count * 1000 + count))
    experiment = client.submit("l2", {"sweep": {}, "seeds": seeds, "training.epochs": EPOCHS})
    experiment.wait(progress=False)
    first, ended = span([experiment])
    return ended - first
