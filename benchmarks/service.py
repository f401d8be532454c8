"""(c) What the service costs around a training: dispatch, writes, curves, figures, listing."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import numpy as np

from benchmarks.article import service, submit
from benchmarks.timing import once
from reglab.api.run_queue import RunQueue
from reglab.core.presets import build
from reglab.core.results import CURVE_COLUMNS
from reglab.core.settings import Settings
from reglab.core.spec import expand
from reglab.core.storage import Storage, Submission
from reglab.core.storage.migrate import upgrade
from tests.harness.servers import Absent, Postgres, Redis, free_port

FIGURE = "fig02-l2-boundaries.png"
LISTED_EXPERIMENTS, RUNS_EACH = 1000, 10
TERMINAL = {"succeeded", "failed", "cancelled"}
Row = dict[str, Any]


def measure(repeats: int, echo: Callable[[str], None] = print) -> list[Row]:
    """Rows of (what, milliseconds, goal or None)."""
    rows: list[Row] = []

    def add(what: str, seconds: list[float], goal: float | None = None, per: int = 1) -> None:
        times = [second * 1e3 / per for second in seconds]
        rows.append({"what": what, "median": median(times), "max": max(times), "goal": goal})
        echo(f"  {what}: {rows[-1]['median']:.2f} ms")

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        _starts(home / "kernels", add)
        _live(home / "live", repeats, add)
        _dispatch(home / "dispatch", repeats, add)
        url = f"sqlite:///{home / 'writes.db'}"
        _writes("SQLite", url, repeats, add)
        try:
            with Postgres() as server:
                _writes("Postgres", server.url, repeats, add)
        except Absent as absent:
            echo(f"  left out: {absent}")
        _listing(home / "listing", repeats, add)
    return rows


def _starts(kernels: Path, add: Callable[..., None]) -> None:
    """A process that loads what training needs and trains a tiny network."""
    command = [sys.executable, "-c", "from reglab.core.engine.warm_up import warm_up; warm_up()"]
    env = {**os.environ, "NUMBA_CACHE_DIR": str(kernels)}

    def start() -> None:
        subprocess.run(command, env=env, check=True)

    add("first use on a machine: imports, all kernels compiled", [once(start)[0]], 15_000)
    add("a later start: imports, kernels from the cache", [once(start)[0] for _ in range(5)], 1000)


def _live(home: Path, repeats: int, add: Callable[..., None]) -> None:
    """Against a running server and worker."""
    with service(home, {}) as (_, http):
        _await(http, submit(http, {"preset": "l2", "overrides": {"training.epochs": 1}}))
        queued, finished = [], []
        for seed in range(repeats):
            began, wall = time.perf_counter(), time.time()
            run = _await(http, submit(http, _small(seed)))[0]
            finished.append(time.perf_counter() - began)
            queued.append(datetime.fromisoformat(run["started_at"]).timestamp() - wall)
        add("submit to leased by an idle worker", queued)
        add("submit to the end of a one-epoch run, its results stored", finished)
        experiment = submit(http, {"preset": "l2", "overrides": {"training.epochs": 2000}})
        _await(http, experiment)
        path = f"/experiments/{experiment}"
        curves = [once(lambda: _get(http, f"{path}/curves"))[0] for _ in range(repeats)]
        add("curves of 9 runs, JSON", curves)
        figure = f"{path}/figures/{FIGURE}"
        # Another width is another picture: each is a first one.
        first = [
            once(lambda dpi=dpi: _get(http, f"{figure}?dpi={dpi}"))[0] for dpi in range(101, 106)
        ]
        add("figure of 9 decision boundaries, first", first, 1000)
        again = [once(lambda: _get(http, f"{figure}?dpi=101"))[0] for _ in range(repeats)]
        add("the same, from the cache", again, 20)


def _dispatch(home: Path, repeats: int, add: Callable[..., None]) -> None:
    runs = [f"run-{number}" for number in range(100)]

    def timed(broker: str | None) -> list[float]:
        env = {"REGLAB_HOME": str(home)} | ({"REGLAB_BROKER_URL": broker} if broker else {})
        run_queue = RunQueue(Settings.from_env(env))
        run_queue.send(runs[:1])
        return [once(lambda: run_queue.send(runs))[0] for _ in range(repeats)]

    add("dispatch a run, embedded broker", timed(None), 10, len(runs))
    try:
        with Redis() as server:
            add("dispatch a run, Redis", timed(server.url), 10, len(runs))
    except Absent as absent:
        print(f"  left out: {absent}")


def _writes(name: str, url: str, repeats: int, add: Callable[..., None]) -> None:
    """One worker's writes: progress with a chunk of 100 evaluations; a checkpoint; the end."""
    upgrade(url)
    storage = Storage(url)
    spec = build("l2", {"seeds": list(range(repeats)), "sweep": {}})
    storage.experiments.create(Submission.of(spec))
    epochs = np.arange(100)
    columns = {key: epochs.astype(float) for key in CURVE_COLUMNS} | {"epoch": epochs}
    arrays = {"boundary.p": np.zeros((200, 200), np.float32), "theta": np.zeros(4482, np.float32)}
    leases, records, saves, ends = [], [], [], []
    for _ in range(repeats):
        began = time.perf_counter()
        lease = storage.runs.lease_next("benchmark")
        leases.append(time.perf_counter() - began)
        assert lease is not None
        for at in range(5):
            progress = (lease, at + 1, 0.1 * at, columns)
            records.append(once(lambda p=progress: storage.runs.record(*p))[0])
        last = (lease, 6, 0.6, columns, (arrays, {"epoch": 6}))
        saves.append(once(lambda p=last: storage.runs.record(*p))[0])
        ends.append(once(lambda c=lease: storage.runs.finish(c, columns, arrays, {}))[0])
    storage.close()
    add(f"{name}: lease a run", leases, 10)
    add(f"{name}: write 100 evaluations and progress", records)
    add(f"{name}: the same with a checkpoint of 4,482 weights", saves)
    add(f"{name}: finish a run with a boundary of 200 x 200", ends)


def _listing(home: Path, repeats: int, add: Callable[..., None]) -> None:
    home.mkdir()
    url = f"sqlite:///{home / 'reglab.db'}"
    upgrade(url)
    storage = Storage(url)
    spec = build("l2", {"seeds": list(range(RUNS_EACH)), "sweep": {}})
    runs = expand(spec)
    filled = [
        once(lambda: storage.experiments.create(Submission(spec, runs, preset="l2")))[0]
        for _ in range(LISTED_EXPERIMENTS)
    ]
    storage.close()
    add(f"store an experiment of {RUNS_EACH} runs", filled)
    with _server_alone(home) as http:
        whole = LISTED_EXPERIMENTS * RUNS_EACH
        for what, query in (("a page", "?limit=50"), ("a page of queued ones", "?state=queued")):
            path = f"/experiments{query}"
            times = [once(lambda p=path: _get(http, p))[0] for _ in range(repeats)]
            add(f"list experiments among {whole:,} runs, {what}", times, 50)


@contextmanager
def _server_alone(home: Path) -> Iterator[httpx.Client]:
    """A server without a worker: what is queued stays so."""
    port = free_port()
    env = {**os.environ, "REGLAB_HOME": str(home), "REGLAB_PORT": str(port)}
    with (home / "api.log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "reglab.api"], env=env, stdout=log, stderr=log
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/v1", timeout=30) as http:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                try:
                    _get(http, "/experiments?limit=1")
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield http
    finally:
        child.terminate()
        child.wait(20)


def _small(seed: int) -> dict[str, Any]:
    return {
        "name": "latency",
        "dataset": {"name": "two_moons", "train_size": 250},
        "model": {"hidden": [64, 64], "activation": "tanh"},
        "optimizer": {"name": "sgd", "schedule": {"lr": 0.15}},
        "training": {"epochs": 1, "batch_size": 32},
        "seeds": [seed],
    }


def _await(http: httpx.Client, experiment: str) -> list[dict[str, Any]]:
    while True:
        runs = http.get(f"/experiments/{experiment}/runs").raise_for_status().json()["items"]
        if all(run["state"] in TERMINAL for run in runs):
            return list(runs)
        time.sleep(0.005)


def _get(http: httpx.Client, path: str) -> bytes:
    return http.get(path).raise_for_status().content
