"""One suite for both brokers, with real workers: whatever happens, a run ends once, to its bits."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sqlite3
import time

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from reglab.core.storage.models import Base
from tests.harness.workers import RESUMED, enqueue, queued_messages, until

pytestmark = pytest.mark.slow

# An epoch of hours in one compiled call.
ENDLESS = {
    "training.epochs": 2,
    "dataset.train_size": 100_000,
    "model.hidden": [4096, 4096],
    "sweep": {"regularization.l2": [0.001]},
}
SHORT = {"training.epochs": 60, "sweep": {"regularization.l2": [0.0001 * k for k in range(12)]}}


class Hostile:
    """Unpickling it leaves a file behind."""

    def __init__(self, path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_many_runs_are_delivered_once_each(delivery, undisturbed):
    experiment = delivery.submit("l2", **SHORT)
    delivery.wait_for(experiment)
    assert {run.attempt for run in delivery.runs(experiment)} == {1}
    assert len(set(map(str, delivery.bits(experiment)))) == 12
    until(lambda: queued_messages(delivery) == 0, what="all messages are taken")


def test_a_worker_takes_no_more_messages_than_it_serves(delivery, undisturbed):
    delivery.the_worker()
    experiment = delivery.submit(sweep={"regularization.dropout": [0.1, 0.2, 0.3, 0.4]})
    delivery.wait_checkpoint(experiment)
    assert delivery.states(experiment) == ["running", "queued", "queued", "queued"]
    assert queued_messages(delivery) == 3
    delivery.storage.experiments.cancel(experiment)
    delivery.wait_for(experiment, "cancelled")
    # What is left over finds nothing to lease.
    until(lambda: queued_messages(delivery) == 0, what="surplus messages are taken")


def test_a_killed_process_resumes_to_the_same_bits(delivery, undisturbed):
    worker = delivery.the_worker()
    experiment = delivery.submit()
    run = delivery.wait_checkpoint(experiment)
    os.kill(delivery.holder(run.id), signal.SIGKILL)
    delivery.wait_for(experiment)
    ended = delivery.run(experiment)
    assert (ended.attempt, [error["type"] for error in ended.errors]) == (2, ["worker-lost"])
    assert delivery.bits(experiment) == undisturbed
    assert worker.alive


def test_a_killed_worker_is_taken_over_to_the_same_bits(delivery, undisturbed):
    worker = delivery.the_worker()
    experiment = delivery.submit()
    delivery.wait_checkpoint(experiment)
    worker.kill()
    reached = delivery.run(experiment).epoch
    assert 0 < reached < RESUMED["training.epochs"]
    delivery.the_worker()
    delivery.wait_for(experiment)
    assert delivery.run(experiment).attempt == 2
    assert delivery.bits(experiment) == undisturbed


def freeze(delivery, worker):
    """Stop its processes outside transactions, which would keep all others from SQLite."""
    while True:
        os.killpg(worker.pid, signal.SIGSTOP)
        if may_write(delivery):
            return
        os.killpg(worker.pid, signal.SIGCONT)
        time.sleep(0.05)


def may_write(delivery):
    database = make_url(delivery.settings.database_url)
    if database.get_backend_name() != "sqlite":
        return True
    with contextlib.closing(sqlite3.connect(database.database, timeout=0.5)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        return True


def test_a_frozen_worker_loses_its_lease_and_writes_nothing_more(delivery, undisturbed):
    frozen = delivery.the_worker()
    experiment = delivery.submit()
    run = delivery.wait_checkpoint(experiment)
    freeze(delivery, frozen)
    delivery.worker().wait_ready()
    # It is not dead: only silence ends its lease.
    delivery.wait_for(experiment)
    assert delivery.run(experiment).attempt == 2
    bits = delivery.bits(experiment)
    os.killpg(frozen.pid, signal.SIGCONT)
    until(lambda: f"run {run.id}: attempt 1 lease lost" in frozen.text(), what="it notices")
    assert delivery.bits(experiment) == bits == undisturbed
    assert frozen.terminate() == 0


def test_a_shutdown_hands_the_run_back_and_another_worker_goes_on(delivery, undisturbed):
    worker = delivery.the_worker()
    experiment = delivery.submit()
    delivery.wait_checkpoint(experiment)
    assert worker.terminate() == 0
    waiting = delivery.run(experiment)
    assert (waiting.state, waiting.errors) == ("queued", [])
    assert waiting.epoch >= RESUMED["training.epochs"] // 5
    delivery.the_worker()
    delivery.wait_for(experiment)
    ended = delivery.run(experiment)
    assert (ended.attempt, ended.errors) == (2, [])
    assert delivery.bits(experiment) == undisturbed


def test_doubled_and_dropped_messages_change_nothing(delivery, undisturbed):
    delivery.the_worker()
    silent = delivery.submit("l2", send=False, **SHORT)
    doubled = delivery.submit("l2", **SHORT)
    enqueue(delivery, 3 * [run.id for run in delivery.runs(doubled)] + ["no such run"])
    for experiment in (doubled, silent):
        delivery.wait_for(experiment)
        assert {run.attempt for run in delivery.runs(experiment)} == {1}
    assert delivery.bits(silent) == delivery.bits(doubled)


def seconds_to_cancel(delivery, changes) -> float:
    delivery.the_worker()
    experiment = delivery.submit("l2", **{"training.epochs": 1_000_000, **changes})
    delivery.holder(delivery.run(experiment).id)
    # Into the training: loading the data may not be interrupted.
    time.sleep(1.5)
    delivery.storage.experiments.cancel(experiment)
    began = time.monotonic()
    delivery.wait_for(experiment, "cancelled")
    return time.monotonic() - began


@pytest.mark.parametrize("changes", [{}, ENDLESS], ids=["short epochs", "an endless epoch"])
def test_cancel_stops_a_training_within_a_second(delivery, undisturbed, changes):
    # A machine that is busy otherwise may be late; then again.
    assert any(seconds_to_cancel(delivery, changes) < 1.0 for _ in range(10))
    # Its process may have been ended in the middle of the epoch; the worker makes another.
    after = delivery.submit("l2", **SHORT)
    delivery.wait_for(after)


def test_a_shutdown_does_not_wait_for_a_long_epoch(delivery, undisturbed):
    worker = delivery.the_worker()
    experiment = delivery.submit("l2", **ENDLESS)
    delivery.holder(delivery.run(experiment).id)
    time.sleep(1.5)
    assert worker.terminate() == 0
    assert delivery.run(experiment).state == "queued"
    delivery.storage.experiments.cancel(experiment)


def test_retry_runs_only_what_failed(delivery, undisturbed):
    delivery.the_worker()
    experiment = delivery.submit(
        "l2",
        **{"training.epochs": 60, "sweep": {"optimizer.schedule.lr": [0.1, 100.0]}},
        **{"model.activation": "identity"},
    )
    until(lambda: delivery.states(experiment) == ["succeeded", "failed"], what="one of each")
    good, bad = delivery.runs(experiment)
    assert bad.error["type"] == "diverged"
    assert bad.attempt == 1
    enqueue(delivery, delivery.storage.experiments.retry(experiment))
    until(lambda: delivery.runs(experiment)[1].attempt == 2, what="another attempt")
    until(lambda: delivery.states(experiment) == ["succeeded", "failed"], what="one of each")
    assert delivery.runs(experiment)[0] == good


def test_time_limits_end_a_run(delivery, undisturbed):
    for worker in delivery.workers:
        worker.kill()
    limited = delivery.worker(
        REGLAB_TASK_SECONDS="4", REGLAB_GRACE_SECONDS="2", REGLAB_MAX_ATTEMPTS="3"
    ).wait_ready()
    slow = delivery.submit("l2", **{"training.epochs": 900_000, "sweep": {}})
    delivery.wait_for(slow, "failed")
    assert delivery.run(slow).error["type"] == "time-limit"
    # In native code the soft limit is not heard; the hard one ends the process.
    # It is there soon, and its first evaluation alone takes longer than both limits.
    deaf = delivery.submit("l2", **ENDLESS | {"model.hidden": [2048, 2048]})
    until(lambda: delivery.run(deaf).errors, what="the hard limit")
    assert delivery.run(deaf).errors[0]["type"] == "worker-lost"
    delivery.storage.experiments.cancel(deaf)
    delivery.wait_for(deaf, "cancelled")
    limited.kill()


def test_messages_in_other_formats_are_not_executed(delivery, undisturbed, tmp_path):
    worker = delivery.the_worker()
    trap = tmp_path / "trap"
    with delivery.broker.clone() as connection:
        producer = connection.Producer()
        producer.publish(
            pickle.dumps(Hostile(trap)),
            content_type="application/x-python-serialize",
            content_encoding="binary",
            routing_key="reglab",
            exchange="reglab",
        )
        producer.publish("not a task", content_type="text/plain", routing_key="reglab")
    experiment = delivery.submit("l2", **SHORT)
    delivery.wait_for(experiment)
    assert worker.alive
    assert not trap.exists()


def test_delete_leaves_nothing_of_any_experiment(delivery, undisturbed):
    delivery.the_worker()
    delivery.wait_for(delivery.submit("l2", **SHORT))
    while items := delivery.storage.experiments.find().items:
        for item in items:
            delivery.storage.experiments.delete(item.id)
    with delivery.storage.engine.connect() as connection:
        for table in set(Base.metadata.tables) - {"workers", "counters"}:
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 0, table
