"""``python -m benchmarks.dispatch``: what a run costs beside its training, submission to results.

One worker process serves runs of a single tiny epoch; the time of the same trainings in a loop
is taken off. Also with a long history in the database, as leases must not become slower by it.
Processor time is that of server and worker together, and tells more on a machine with other work.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import insert
from uuid_utils import uuid7

from reglab.core import datasets
from reglab.core.engine import Trainer
from reglab.core.engine.random_streams import stream
from reglab.core.probes import Recorder
from reglab.core.spec import ExperimentSpec, RunSpec, expand, parse_spec
from reglab.core.storage import Submission
from reglab.core.storage.migrate import upgrade
from reglab.core.storage.models import Experiment, Run
from tests.harness.servers import Postgres, Redis
from tests.harness.workers import Delivery, until

GOAL_MILLISECONDS = 10.0
RUNS = 200
HISTORY = 5_000
# The product's own times, not the short ones of the tests.
TIMES = {
    "REGLAB_LEASE_SECONDS": "30",
    "REGLAB_HEARTBEAT_SECONDS": "0.5",
    "REGLAB_CHECKPOINT_SECONDS": "5",
    "REGLAB_REAP_SECONDS": "2",
    "REGLAB_RESEND_SECONDS": "20",
}
DOCUMENT = {
    "name": "Dispatch",
    "dataset": {"name": "two_moons", "train_size": 8, "test_size": 8},
    "model": {"hidden": [4], "activation": "tanh"},
    "optimizer": {"name": "sgd", "schedule": {"lr": 0.1}},
    "training": {"epochs": 1, "batch_size": 8},
}


def spec(runs: int) -> ExperimentSpec:
    """So many runs of almost no training."""
    return parse_spec({**DOCUMENT, "seeds": list(range(runs))})


def train(run: RunSpec, seed: int) -> None:
    """What a worker computes in one run."""
    data = datasets.load(run.dataset, stream(seed, "data"))
    recorder, trainer = Recorder(run, data, seed), Trainer(run, data, seed)
    for evaluation in trainer:
        recorder.observe(evaluation.epoch, trainer.network())
    recorder.finish(trainer.network())


@dataclass(frozen=True)
class Cost:
    """Means of one run, in seconds."""

    wall: float
    cpu: float

    def beyond(self, other: Cost) -> Cost:
        return Cost(self.wall - other.wall, self.cpu - other.cpu)


def training() -> Cost:
    """The trainings in a plain loop."""
    runs = expand(spec(RUNS))
    train(runs[0].spec, 0)
    began, used = time.perf_counter(), time.process_time()
    for run in runs:
        train(run.spec, run.seed)
    return Cost((time.perf_counter() - began) / RUNS, (time.process_time() - used) / RUNS)


def delivered(delivery: Delivery) -> Cost:
    """From submission to stored results, with one worker process that waits already."""
    wanted, worker = spec(RUNS), delivery.the_worker()
    pids = [worker.pid, *worker.pool()]
    began, used, theirs = time.perf_counter(), time.process_time(), cpu_seconds(pids)
    experiment, _ = delivery.storage.experiments.create(Submission.of(wanted))
    delivery.run_queue.send([run.id for run in delivery.runs(experiment)])
    # Looking costs too, and is not what is measured.
    used = time.process_time() - used
    until(lambda: delivery.storage.experiments.get(experiment).counts["succeeded"] == RUNS, 120)
    wall = time.perf_counter() - began
    return Cost(wall / RUNS, (used + cpu_seconds(pids) - theirs) / RUNS)


def cpu_seconds(pids: list[int]) -> float:
    """User and system time of processes so far; Linux."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def least(costs: list[Cost]) -> Cost:
    """The smallest of each."""
    return Cost(min(cost.wall for cost in costs), min(cost.cpu for cost in costs))


def add_history(delivery: Delivery) -> None:
    """So many finished experiments of one run each."""
    template = expand(spec(1))[0]
    moment = datetime.now(UTC)
    experiments: list[dict[str, Any]] = []
    runs: list[dict[str, Any]] = []
    for at in range(HISTORY):
        experiment = str(uuid7())
        times = {"created_at": moment, "updated_at": moment}
        document = {"id": experiment, "name": "Old", "preset": None, "spec": {}, "served_at": at}
        experiments.append(document | times)
        runs.append(
            {"id": str(uuid7()), "experiment_id": experiment, "index": 0, "params": {}, "seed": 0}
            | {"spec": template.spec.model_dump(mode="json"), "state": "succeeded", "errors": []}
            | {"attempts_left": 0, "created_at": moment, "finished_at": moment}
        )
    with delivery.storage.engine.begin() as connection:
        connection.execute(insert(Experiment), experiments)
        connection.execute(insert(Run), runs)


def measure(mode: str) -> tuple[Cost, Cost]:
    """Without and with history."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reglab-bench-")))
        env = {**TIMES, "REGLAB_HOME": str(folder / "home")}
        if mode == "Postgres, Redis":
            env["REGLAB_DATABASE_URL"] = stack.enter_context(Postgres()).url
            env["REGLAB_BROKER_URL"] = stack.enter_context(Redis()).url
        delivery = Delivery(env, folder)
        stack.callback(delivery.close)
        upgrade(delivery.settings.database_url)
        delivery.worker().wait_ready()
        delivered(delivery)
        plain = least([delivered(delivery) for _ in range(3)])
        add_history(delivery)
        return plain, least([delivered(delivery) for _ in range(3)])


def main() -> None:
    """Measure both pairs and print the table."""
    table = Table(title=f"Milliseconds a run, mean of {RUNS}, best of three")
    columns = ("delivered", "training alone", "dispatch", "of the goal", "dispatch, processor")
    for name in ("database, broker", *columns):
        table.add_column(name, justify="left" if name.startswith("database") else "right")
    for mode in ("SQLite, folder", "Postgres, Redis"):
        alone = least([training() for _ in range(3)])
        for name, cost in zip(("", f", {HISTORY} old"), measure(mode), strict=True):
            dispatch = cost.beyond(alone)
            numbers = (cost.wall, alone.wall, dispatch.wall)
            row = [f"{1000 * seconds:.1f}" for seconds in numbers]
            ratio = 1000 * dispatch.wall / GOAL_MILLISECONDS
            table.add_row(mode + name, *row, f"{ratio:.2f}", f"{1000 * dispatch.cpu:.1f}")
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
