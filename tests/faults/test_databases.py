"""What databases do to us: clocks that jump, restarts, read-only and full disks, deadlocks."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time

import numpy as np
import pytest
from psycopg import errors
from sqlalchemy import event, select, text
from sqlalchemy.exc import InternalError, OperationalError

from reglab.core.storage import (
    LeaseLostError,
    Storage,
    StorageConflictError,
    StorageUnavailableError,
)
from reglab.core.storage.database import now
from reglab.core.storage.db_errors import translate
from reglab.core.storage.leases import LeaseWatch
from reglab.core.storage.migrate import upgrade
from reglab.core.storage.models import Experiment, Run
from tests.harness.servers import Postgres, running
from tests.harness.stored import columns, submit


class WallClock:
    """Sets the database's own clock: its SQL function is hidden behind one with an offset."""

    def __init__(self, storage: Storage) -> None:
        self.offset = 0.0
        self._sqlite = storage.engine.dialect.name == "sqlite"
        event.listen(storage.engine, "checkout", self._hide)
        storage.engine.dispose()

    def _hide(self, connection, *_) -> None:
        if self._sqlite:
            connection.create_function("julianday", 1, self._days)
            return
        with connection.cursor() as cursor:
            cursor.execute("CREATE SCHEMA IF NOT EXISTS shifted")
            cursor.execute(
                "CREATE OR REPLACE FUNCTION shifted.clock_timestamp() RETURNS timestamptz LANGUAGE "
                f"sql AS $$SELECT pg_catalog.clock_timestamp() + interval '{self.offset} s'$$"
            )
            # Named first, it hides the server's own.
            cursor.execute("SET search_path = shifted, pg_catalog, public")
        connection.commit()

    def jump(self, storage: Storage, seconds: float) -> None:
        self.offset = seconds
        with storage.engine.connect() as connection:
            shown = connection.scalar(select(now(storage.engine)))
        assert abs(shown - time.time() - seconds) < 60

    def _days(self, _: str) -> float:
        return (time.time() + self.offset) / 86_400 + 2_440_587.5


@pytest.mark.parametrize("jump", [3600.0, -3600.0, 86_400.0 * 400])
def test_a_jump_of_the_clock_steals_no_lease(storage, clock, jump):
    submit(storage, runs=1)
    wall = WallClock(storage)
    lease = storage.runs.lease_next("w")
    storage.maintenance.reap(5)
    wall.jump(storage, jump)
    for _ in range(40):
        clock.seconds += 2
        assert storage.maintenance.reap(5).requeued == 0
        storage.runs.heartbeat(lease)
    storage.runs.finish(lease, None, {}, {})
    assert storage.runs.get(lease.run_id).attempt == 1


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_a_jump_of_the_clock_keeps_no_dead_lease_and_no_lost_message(storage, clock, jump):
    experiment = submit(storage, runs=2)
    wall = WallClock(storage)
    storage.maintenance.seen("w", slots=2)
    dead = storage.runs.lease_next("w")
    wall.jump(storage, jump)
    clock.pass_lease(storage)
    storage.maintenance.seen("w", slots=2)
    swept = storage.maintenance.reap(5)
    assert storage.runs.get(dead.run_id).state == "queued"
    # The messages' times are of another clock now.
    sent = set(swept.send) | {run.id for run in storage.experiments.runs(experiment)}
    assert sent == {run.id for run in storage.experiments.runs(experiment)}
    assert storage.maintenance.worker_age() < 5
    with storage.engine.connect() as connection:
        late = connection.scalar(select(Run.message_at).limit(1))
    assert late is not None


def test_a_lease_ends_by_observed_silence_alone():
    now = [0.0]
    watch = LeaseWatch(10.0, lambda: now[0])
    beats = {"a": (1, 5.0), "b": (1, 5.0)}

    def look(after, **changed):
        now[0] += after
        beats.update(changed)
        return watch.ended(beats)

    assert look(2) == set()
    for k in range(4):
        assert look(2, b=(1, 6.0 + k)) == set()
    assert look(2, b=(1, 20.0)) == {"a"}
    # Nobody looked for an hour: no verdict on what could not be renewed meanwhile.
    assert look(3600) == {"a"}
    assert "b" not in look(2)
    # A new attempt is another lease.
    assert look(2, a=(2, 5.0)) == set()
    # An hour's pause is a quarter of a lease.
    assert watch.ended({"b": (1, 20.0)}) == set()


def test_a_frozen_sweeper_judges_nobody(storage, clock):
    submit(storage, runs=1)
    storage.runs.lease_next("w")
    storage.maintenance.reap(5)
    clock.seconds += 3600
    assert storage.maintenance.reap(5).requeued == 0


def test_owners_known_to_be_dead_lose_their_lease_at_once(storage):
    submit(storage, runs=2)
    dead, living = storage.runs.lease_next("dead"), storage.runs.lease_next("living")
    assert storage.maintenance.reap(5, is_dead=lambda owner: owner == "dead").requeued == 1
    storage.runs.heartbeat(living)
    with pytest.raises(LeaseLostError):
        storage.runs.heartbeat(dead)


def test_a_claim_whose_answer_was_lost_is_given_again(storage):
    submit(storage, runs=2)
    first = storage.runs.lease_next("host/1")
    again = storage.runs.lease_next("host/1", again=True)
    assert (again.run_id, again.attempt) == (first.run_id, first.attempt)
    assert storage.runs.lease_next("host/2", again=True).run_id != first.run_id


def test_a_record_whose_answer_was_lost_can_be_made_again(storage):
    submit(storage, runs=1)
    lease = storage.runs.lease_next("w")
    storage.runs.record(lease, 4, 0.4, columns(0, 5))
    # With what came since.
    storage.runs.record(lease, 7, 0.7, columns(0, 8))
    storage.runs.record(lease, 9, 0.9, columns(8, 2))
    epochs = storage.results.run(lease.run_id).curves["epoch"]
    np.testing.assert_array_equal(epochs, np.arange(10))


def test_a_cancelled_run_leaves_no_checkpoint_and_starts_anew(storage, clock):
    experiment = submit(storage, runs=1)
    checkpoint = ({"theta": np.ones(2)}, {"epoch": 4})
    lease = storage.runs.lease_next("w")
    storage.runs.record(lease, 4, 0.4, columns(0, 5), checkpoint)
    storage.experiments.cancel(experiment)
    clock.pass_lease(storage)
    assert storage.maintenance.reap(5).cancelled == 1
    storage.experiments.retry(experiment)
    assert storage.experiments.runs(experiment)[0].progress == 0
    lease = storage.runs.lease_next("w")
    assert lease.checkpoint is None
    storage.runs.release(lease, 4, columns(0, 5), checkpoint)
    storage.experiments.cancel(experiment)
    storage.experiments.retry(experiment)
    assert storage.runs.lease_next("w").checkpoint is None


def test_experiments_of_all_sizes_take_turns(storage):
    long = submit(storage, runs=1000, **{"training.epochs": 1})
    for _ in range(5):
        storage.runs.lease_next("w")
    short = submit(storage, runs=1)
    assert short in [storage.runs.lease_next("w").run.experiment_id for _ in range(2)]
    # Newcomers, one after another, do not starve the long one.
    served = []
    for _ in range(10):
        submit(storage, runs=1)
        served.append(storage.runs.lease_next("w").run.experiment_id)
    assert served.count(long) >= 3


@pytest.mark.services
def test_concurrent_changes_of_one_experiment_end_without_deadlock(storage):
    experiments = [submit(storage, runs=12) for _ in range(4)]
    failures = []

    def run(action):
        try:
            for _ in range(6):
                action()
        except Exception as error:
            if type(error).__name__ not in ("WrongStateError", "NotFoundError", "LeaseLostError"):
                failures.append(error)

    def train():
        lease = storage.runs.lease_next(threading.current_thread().name)
        if lease is not None:
            storage.runs.record(lease, 1, 0.1, columns(0, 2))
            storage.runs.finish(lease, None, {"x": np.ones(2)}, {})

    actions = [train] * 4 + [lambda: storage.maintenance.reap(0.0)] * 2
    for experiment in experiments:
        actions.append(lambda e=experiment: storage.experiments.cancel(e))
        actions.append(lambda e=experiment: storage.experiments.retry(e))
    actions.append(lambda: storage.experiments.delete(experiments[0]))
    threads = [threading.Thread(target=run, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.mark.services
def test_postgres_may_restart_between_and_in_transactions(tmp_path):
    with running(Postgres) as server:
        upgrade(server.url)
        storage = Storage(server.url)
        submit(storage, runs=1)
        lease = storage.runs.lease_next("w")
        server.stop()
        for write in (lambda: storage.runs.heartbeat(lease), lambda: submit(storage)):
            with pytest.raises(StorageUnavailableError) as refused:
                write()
            assert "Try again later" in refused.value.remedy
        server.start()
        # The pool's connections are all dead; nobody notices.
        storage.runs.heartbeat(lease)
        storage.runs.finish(lease, None, {"x": np.ones(1)}, {})
        assert len(storage.experiments.find().items) == 1
        storage.close()


@pytest.mark.services
def test_a_read_only_postgres_says_so(postgres_server):
    from tests.harness.servers import fresh_database

    with fresh_database(postgres_server) as url:
        upgrade(url)
        storage = Storage(f"{url}?options=-c%20default_transaction_read_only%3Don")
        assert storage.experiments.find().items == []
        with pytest.raises(StorageUnavailableError, match="read-only") as refused:
            submit(storage)
        assert "writable" in refused.value.remedy
        storage.close()


def test_a_database_without_tables_names_the_remedy(empty_url):
    storage = Storage(empty_url)
    with pytest.raises(StorageUnavailableError) as refused:
        storage.experiments.find()
    assert "reglab migrate" in refused.value.remedy
    storage.close()


def test_postgres_errors_are_told_apart():
    def made(kind, wrapper=OperationalError):
        return translate(wrapper("INSERT", {}, kind("told by the server")))

    assert isinstance(made(errors.DeadlockDetected), StorageConflictError)
    assert isinstance(made(errors.SerializationFailure), StorageConflictError)
    assert made(errors.DiskFull).remedy.startswith("Free space")
    assert "Try again" in made(errors.AdminShutdown).remedy
    assert "writable" in made(errors.ReadOnlySqlTransaction, InternalError).remedy
    # A fault of the program is not the database's.
    assert made(errors.SyntaxError) is None


@pytest.mark.slow
def test_a_full_disk_keeps_the_database_whole(tmp_path):
    """A real small disk, where this machine lets one be mounted."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(tmp_path)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("a disk of a megabyte cannot be mounted here")
    storage = None
    try:
        url = f"sqlite:///{tmp_path / 'reglab.db'}"
        upgrade(url)
        storage = Storage(url)
        stored = []
        with pytest.raises(StorageUnavailableError) as refused:
            stored.extend(submit(storage, runs=60) for _ in range(200))
        assert refused.value.remedy.startswith("Free space")
        assert {item.id for item in storage.experiments.find(limit=500).items} == set(stored)
        with storage.engine.connect() as connection:
            runs = connection.execute(text("SELECT count(*) FROM runs")).scalar()
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        assert runs == 60 * len(stored)
        subprocess.run(["mount", "-o", "remount,size=8m", str(tmp_path)], check=True)
        submit(storage)
    finally:
        if storage is not None:
            storage.close()
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_turns_are_counted_not_timed(storage):
    submit(storage, runs=3)
    for _ in range(3):
        storage.runs.lease_next("w")
    with storage.engine.connect() as connection:
        assert connection.scalar(select(Experiment.served_at)) == 3
