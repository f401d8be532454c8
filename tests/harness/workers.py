"""Real workers as processes over a real database and broker, and what tests ask of them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from kombu import Connection

from reglab.api.run_queue import RunQueue
from reglab.core.engine.warm_up import warm_up
from reglab.core.presets import build
from reglab.core.process.broker import QUEUE, broker_url, transport_options
from reglab.core.settings import Settings
from reglab.core.storage import RunRecord, Storage, Submission

# Short times, in the proportions of the defaults.
QUICK = {
    # A busy machine may keep a process waiting for seconds.
    "REGLAB_LEASE_SECONDS": "5",
    "REGLAB_HEARTBEAT_SECONDS": "0.2",
    "REGLAB_CHECKPOINT_SECONDS": "0.3",
    "REGLAB_REAP_SECONDS": "0.3",
    "REGLAB_RESEND_SECONDS": "1",
    # A new process takes seconds to get ready on a busy machine.
    "REGLAB_STARVING_SECONDS": "20",
}
# Adam, dropout and flips: moments and every random stream must survive. Some seconds of training
# even on an idle machine, so that there is a middle to disturb.
RESUMED = {
    "training.epochs": 15_000,
    "training.eval_every": 500,
    "dataset.train_size": 200,
    "dataset.test_size": 100,
    "sweep": {"regularization.dropout": [0.4]},
}


def until(
    condition: Callable[[], Any], seconds: float = 240.0, what: str | Callable[[], str] = ""
) -> Any:
    """Wait for something true and return it; else say what was waited for."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds:g} s: {what() if callable(what) else what}")
        time.sleep(0.05)


class Worker:
    """One ``python -m reglab.worker`` and its pool."""

    def __init__(
        self, env: Mapping[str, str], log: Path, processes: int = 1, arguments: Sequence[str] = ()
    ) -> None:
        self.log = log
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "reglab.worker", *arguments],
                env={**os.environ, **env, "REGLAB_WORKER_PROCESSES": str(processes)},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def alive(self) -> bool:
        return self._child.poll() is None

    def pool(self) -> list[int]:
        """Process ids of its pool."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(pid) for pid in children.read_text().split()] if children.exists() else []

    def text(self) -> str:
        """The log so far."""
        return self.log.read_text(errors="replace")

    @property
    def ready(self) -> bool:
        """Whether it ever said so."""
        return " ready." in self.text()

    def wait_ready(self) -> Self:
        until(lambda: self.ready or not self.alive, what=f"{self.log} says ready")
        assert self.alive, self.text()
        return self

    def kill(self) -> None:
        """SIGKILL to the main process and its pool, as when the machine loses power."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.ended()

    def terminate(self) -> int:
        """SIGTERM, as an orchestrator sends it; returns the exit code."""
        self._child.terminate()
        return self.ended()

    def ended(self, seconds: float = 120.0) -> int:
        """The exit code, once it has ended."""
        return self._child.wait(seconds)


class Delivery:
    """A migrated database, a broker, and the workers started on them."""

    def __init__(self, env: Mapping[str, str], folder: Path) -> None:
        # Kernels are compiled once a machine; no test should wait for that without knowing.
        warm_up()
        self.env = {**QUICK, **env}
        self.folder = folder
        self.settings = Settings.from_env(self.env)
        self.storage = Storage.of(self.settings)
        self.run_queue = RunQueue(self.settings)
        self.broker = Connection(
            broker_url(self.settings), transport_options=transport_options(self.settings)
        )
        self.workers: list[Worker] = []

    def worker(self, processes: int = 1, arguments: Sequence[str] = (), **env: str) -> Worker:
        """Start one more."""
        log = self.folder / f"worker-{len(self.workers)}.log"
        self.workers.append(Worker({**self.env, **env}, log, processes, arguments))
        return self.workers[-1]

    def the_worker(self) -> Worker:
        """A ready worker of one process: the last one, if it still lives."""
        living = [worker for worker in self.workers if worker.alive]
        return living[-1] if living else self.worker().wait_ready()

    def close(self) -> None:
        for worker in self.workers:
            worker.kill()
        self.storage.close()

    def submit(self, preset: str = "dropout", send: bool = True, **changes: Any) -> str:
        """Store an experiment as the server does, and send its messages."""
        spec = build(preset, RESUMED | changes)
        identifier, _ = self.storage.experiments.create(Submission.of(spec, preset=preset))
        if send:
            assert self.run_queue.send([run.id for run in self.runs(identifier)])
        return identifier

    def runs(self, experiment: str) -> list[RunRecord]:
        return self.storage.experiments.runs(experiment)

    def run(self, experiment: str) -> RunRecord:
        return self.runs(experiment)[0]

    def states(self, experiment: str) -> list[str]:
        return [run.state for run in self.runs(experiment)]

    def wait_for(self, experiment: str, state: str = "succeeded", seconds: float = 300.0) -> None:
        """Until all of its runs are in this state."""
        until(
            lambda: set(self.states(experiment)) == {state},
            seconds,
            lambda: f"{state}: {[(r.state, r.attempt, r.errors) for r in self.runs(experiment)]}",
        )

    def wait_checkpoint(self, experiment: str) -> RunRecord:
        """Until its first run is well on its way; returns it."""
        run = self.run(experiment)
        wanted = run.spec["training"]["epochs"] // 5
        until(lambda: self.run(experiment).epoch > wanted, what="a good part of the training")
        return self.run(experiment)

    def holder(self, run_id: str) -> int:
        """Process id of the pool's process that trains the run."""
        owner = until(lambda: self.storage.runs.owner(run_id), what="a holder")
        return int(owner.split("/")[1].partition("@")[0])

    def bits(self, experiment: str) -> list[tuple[dict[str, str], dict[str, bytes]]]:
        """All that runs found, for comparison bit by bit: array sums, and curves as bytes."""
        found = []
        for run in self.runs(experiment):
            curves = self.storage.results.run(run.id).curves
            sums = self.storage.results.array_sums(run.id)
            assert sums
            found.append((sums, {name: np.asarray(c).tobytes() for name, c in curves.items()}))
        return found


def queued_messages(delivery: Delivery) -> int:
    """How many messages wait in the broker."""
    with delivery.broker.clone() as connection:
        return int(connection.default_channel.queue_declare(queue=QUEUE).message_count)


def enqueue(delivery: Delivery, run_ids: Sequence[str]) -> None:
    assert delivery.run_queue.send(run_ids)
