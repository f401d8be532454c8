"""One fault test: an undisturbed pass, the same runs under faults, and the comparison."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from reglab.core.storage import StorageUnavailableError
from reglab.core.storage.migrate import upgrade
from tests.faults.chaos import Chaos
from tests.faults.check import Verdict, judge
from tests.harness.servers import Postgres, Redis, Server
from tests.harness.workers import Delivery

MODES = ("embedded", "servers")
WORKERS = 2
# Killing at random says nothing about a run, so it must not exhaust its attempts.
ENV = {"REGLAB_MAX_ATTEMPTS": "1000"}
# SGD, and Adam with dropout; from a twentieth of a second to a second.
KINDS = (("l2", 1_000), ("l2", 6_000), ("dropout", 1_000), ("dropout", 4_000))

Report = Callable[[str, int, int], None]


@dataclass
class Outcome:
    """What was done, what it cost, what was found."""

    faults: Counter[str]
    verdict: Verdict
    seconds: dict[str, float]


def run_faults(mode: str, runs: int, seconds: float, seed: int, report: Report) -> Outcome:
    """Run one mode.

    Args:
        mode: ``embedded`` (SQLite, folder broker) or ``servers`` (Postgres, Redis).
        runs: How many runs each pass has.
        seconds: How long faults are made; then the rest must end by itself.
        seed: Of the faults.
        report: Told the pass, how many runs succeeded, and of how many.
    """
    took = {}
    with _delivery(mode) as (delivery, servers):
        for _ in range(WORKERS):
            delivery.worker()
        began = time.monotonic()
        undisturbed = _submit(delivery, runs)
        _wait(delivery, undisturbed, lambda n, of: report("undisturbed", n, of), 600)
        took["undisturbed"] = time.monotonic() - began
        began = time.monotonic()
        disturbed = _submit(delivery, runs)
        ids = [run.id for experiment in disturbed for run in delivery.runs(experiment)]
        chaos = Chaos(delivery, servers, ids, seed)
        chaos.start()
        try:
            with contextlib.suppress(TimeoutError):
                _wait(delivery, disturbed, lambda n, of: report("disturbed", n, of), seconds)
        finally:
            chaos.stop()
        # On a busy machine the rest takes as long as the first pass did.
        patience = 300 + 2 * took["undisturbed"]
        _wait(delivery, disturbed, lambda n, of: report("disturbed", n, of), patience)
        took["disturbed"] = time.monotonic() - began
        return Outcome(chaos.done, judge(delivery, undisturbed, disturbed), took)


@contextlib.contextmanager
def _delivery(mode: str) -> Iterator[tuple[Delivery, dict[str, Server]]]:
    folder = Path(tempfile.mkdtemp(prefix="reglab-faults-"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        env = {**ENV, "REGLAB_HOME": str(folder / "home")}
        servers: dict[str, Server] = {}
        if mode == "servers":
            servers = {
                "postgres": stack.enter_context(Postgres()),
                "redis": stack.enter_context(Redis()),
            }
            env["REGLAB_DATABASE_URL"] = servers["postgres"].url
            env["REGLAB_BROKER_URL"] = servers["redis"].url
        delivery = Delivery(env, folder)
        stack.callback(delivery.close)
        upgrade(delivery.settings.database_url)
        yield delivery, servers


def _submit(delivery: Delivery, runs: int) -> list[str]:
    """One experiment a kind; together so many runs."""
    experiments = []
    for at, (preset, epochs) in enumerate(KINDS):
        count = runs // len(KINDS) + (at < runs % len(KINDS))
        name = "regularization.l2" if preset == "l2" else "regularization.dropout"
        sweep = {name: [round(0.0005 * (k + 1), 6) for k in range(count)]}
        changes = {"training.epochs": epochs, "sweep": sweep, "probes.boundary.resolution": 24}
        experiments.append(delivery.submit(preset, **changes))
    return experiments


def _wait(
    delivery: Delivery, experiments: list[str], report: Callable[[int, int], None], seconds: float
) -> None:
    deadline = time.monotonic() + seconds
    while True:
        # The database may be away: that is part of the test.
        with contextlib.suppress(StorageUnavailableError):
            states = [s for experiment in experiments for s in delivery.states(experiment)]
            done = sum(state == "succeeded" for state in states)
            report(done, len(states))
            if done == len(states):
                return
            assert "failed" not in states, [
                run.errors for e in experiments for run in delivery.runs(e) if run.state == "failed"
            ]
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {seconds:g} s: {Counter(states)}\n{_workers(delivery)}")
        time.sleep(0.2)


def _workers(delivery: Delivery) -> str:
    """What is to be known of the workers that should have gone on."""
    living = [worker for worker in delivery.workers if worker.alive]
    ends = [f"{worker.log.name}: {worker.text()[-3_000:]}" for worker in living]
    return "\n".join([f"{len(living)} workers live", *ends])
