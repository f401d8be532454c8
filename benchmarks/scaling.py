"""``python -m benchmarks.scaling``: what workers cost Postgres, for the page on sizing.

Processor time of all of the server's processes an operation, which other work on the machine hardly
changes; with a thousand runs in training, as many operations look at all of them.
"""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import text

from benchmarks import machine, results, sizing
from reglab.core.presets import build
from reglab.core.results import CURVE_COLUMNS
from reglab.core.storage import RunLease, Storage, Submission
from reglab.core.storage.migrate import upgrade
from tests.harness.servers import Postgres
from tests.harness.workers import Delivery

FILE = results.FOLDER / "scaling.json"
RUNNING = 1000
THREADS = 8
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and write the results beside the others."""
    found: dict[str, Any] = {"machine": machine.describe(), "running": RUNNING}
    with Postgres() as server:
        upgrade(server.url)
        storage = Storage(server.url)
        found["operations"] = operations(storage, server)
        found["connections"] = connections(server)
        storage.close()
    found["memory_mib"] = memory()
    results.save(found, FILE)
    sizing.update(results.load(FILE))
    for part in ("operations", "connections", "memory_mib"):
        print(part)
        for name, value in found[part].items():
            print(f"  {name}: {value}")


def operations(storage: Storage, server: Postgres) -> dict[str, dict[str, float]]:
    """Processor milliseconds of Postgres an operation."""
    spec = build("l2", {"seeds": list(range(RUNNING // 2)), "sweep": {}})
    for _ in range(2):
        storage.experiments.create(Submission.of(spec))
    # Autovacuum would work at times of its own.
    with storage.engine.begin() as connection:
        connection.execute(text("ALTER TABLE runs SET (autovacuum_enabled = off)"))
    leases: list[RunLease] = []
    found = {}

    def measure(name: str, times: int, action: Callable[[int], Any]) -> None:
        used = cpu(server)
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(action, range(times)))
        found[name] = {"cpu_ms": 1e3 * (cpu(server) - used) / times}
        print(f"{name}: {found[name]}", flush=True)

    rng = np.random.default_rng(0)
    columns = {name: rng.random(100) for name in CURVE_COLUMNS}
    epochs = itertools.count(0, 100)
    weights = {"theta": rng.random(4482).astype(np.float32)}
    arrays = {"boundary.p": rng.random((200, 200)).astype(np.float32)}

    def record(k: int, checkpoint: Any = None) -> None:
        start = next(epochs)
        written = columns | {"epoch": np.arange(start, start + 100)}
        storage.runs.record(leases[k % RUNNING], start, 0.1, written, checkpoint)

    measure("lease", RUNNING, lambda k: leases.append(storage.runs.lease_next(f"w{k}")))
    measure("heartbeat", 4 * RUNNING, lambda k: storage.runs.heartbeat(leases[k % RUNNING]))
    measure("record", 2 * RUNNING, record)
    measure("record with checkpoint", RUNNING, lambda k: record(k, (weights, {"epoch": k})))
    measure("sign of life", RUNNING, lambda k: storage.maintenance.seen(f"worker/{k % 500}", 2))
    reapers = [Storage(str(server.url)) for _ in range(THREADS)]
    measure("reaping", 200, lambda k: reapers[k % THREADS].maintenance.reap(20))
    measure("readiness", 200, lambda _: storage.overview.read())
    measure("metrics", 100, lambda _: storage.counters.read())
    size = bytes_stored(storage)
    ended = leases[: RUNNING // 2]
    measure(
        "finish",
        len(ended),
        lambda k: storage.runs.finish(ended[k], columns, arrays, {"final": {"epoch": 1}}, 1),
    )
    found["finish"]["kib"] = (bytes_stored(storage) - size) / len(ended) / 1024
    for reaper in reapers:
        reaper.close()
    return found


def bytes_stored(storage: Storage) -> int:
    """Size of the database."""
    with storage.engine.connect() as connection:
        query = "SELECT pg_database_size(current_database())"
        return int(connection.execute(text(query)).scalar_one())


def connections(server: Postgres) -> dict[str, float]:
    """What one more connection costs the server, in memory of its own."""
    storages = [Storage(server.url) for _ in range(40)]
    before = private_mib(server)
    for storage in storages:
        storage.overview.read()
    grown = private_mib(server) - before
    for storage in storages:
        storage.close()
    return {"mib_each": grown / len(storages), "postgres_default": 100}


def memory() -> dict[str, float]:
    """Memory of a worker's parts of their own (PSS), after a run of each kind of data."""
    with tempfile.TemporaryDirectory(prefix="reglab-bench-") as folder:
        delivery = Delivery({"REGLAB_HOME": f"{folder}/home"}, Path(folder))
        upgrade(delivery.settings.database_url)
        worker = delivery.worker(1).wait_ready()
        found = {}
        for name, changes in {
            "two moons": {"training.epochs": 200},
            "images": {"training.epochs": 5, "dataset.name": "mnist5k"},
        }.items():
            preset = "l2" if name == "two moons" else "label-smoothing"
            spec = build(preset, {**changes, "sweep": {}})
            experiment, _ = delivery.storage.experiments.create(Submission.of(spec, preset=preset))
            delivery.run_queue.send([run.id for run in delivery.runs(experiment)])
            delivery.wait_for(experiment)
            found[f"process, {name}"] = sum(pss_mib(pid) for pid in worker.pool())
        found["main process"] = pss_mib(worker.pid)
        delivery.close()
        return found


def cpu(server: Postgres) -> float:
    """Seconds that the server's processes, living and ended, have computed."""
    main = server._child.pid  # type: ignore[union-attr]
    return sum(_times(pid, children=pid == main) for pid in [main, *_children(main)])


def private_mib(server: Postgres) -> float:
    """Memory that belongs to the server's processes alone; shared buffers are left out."""
    main = server._child.pid  # type: ignore[union-attr]
    total = 0
    for pid in _children(main):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            # Ended since it was listed.
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))
    return total / 1024


def pss_mib(pid: int) -> float:
    """A process's share of memory."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _times(pid: int, children: bool) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    # User and system time; then those of ended children.
    return sum(int(field) for field in fields[11 : 15 if children else 13]) / TICKS


if __name__ == "__main__":
    main()
