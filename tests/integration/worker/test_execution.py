"""One attempt, in this process: full disks, jumping clocks, owners."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event

from reglab.api.app import create_app
from reglab.core.presets import build
from reglab.core.settings import Settings
from reglab.core.storage import Storage, StorageUnavailableError, Submission
from reglab.core.storage.migrate import upgrade
from reglab.worker import tasks
from reglab.worker.app import make_app
from reglab.worker.execute import Execution
from reglab.worker.identity import is_dead, machine, owner, process
from reglab.worker.persist import persist


def submit(storage, **changes):
    spec = build("l2", {"training.epochs": 30, "sweep": {}} | changes)
    return storage.experiments.create(Submission.of(spec))[0]


class Disk:
    """Bounds the pages of an SQLite database, as a full disk does."""

    def __init__(self, storage):
        self.pages = 1 << 30
        event.listen(storage.engine, "checkout", self._bound)

    def fill(self, storage):
        with storage.engine.connect() as connection:
            self.pages = connection.exec_driver_sql("PRAGMA page_count").scalar()

    def free(self):
        self.pages = 1 << 30

    def _bound(self, connection, *_):
        connection.execute(f"PRAGMA max_page_count = {self.pages}")


@pytest.fixture
def embedded(tmp_path):
    settings = Settings.from_env({"REGLAB_HOME": str(tmp_path)})
    upgrade(settings.database_url)
    storage = Storage.of(settings)
    yield settings, storage
    storage.close()


def test_a_full_disk_delays_a_run_and_leaves_nothing_half_written(embedded):
    settings, storage = embedded
    experiment = submit(storage)
    disk = Disk(storage)
    lease = storage.runs.lease_next("w")
    disk.fill(storage)
    training = threading.Thread(target=Execution(storage, lease, settings).run)
    training.start()
    time.sleep(1.5)
    assert training.is_alive()
    assert storage.results.array_names(lease.run_id) == []
    assert storage.experiments.runs(experiment)[0].state == "running"
    disk.free()
    training.join(120)
    run = storage.experiments.runs(experiment)[0]
    assert (run.state, run.attempt, run.errors) == ("succeeded", 1, [])
    assert len(storage.results.array_names(lease.run_id)) > 4


def test_a_full_disk_refuses_a_submission_whole_and_says_what_helps(embedded):
    _, storage = embedded
    disk = Disk(storage)
    disk.fill(storage)
    with pytest.raises(StorageUnavailableError, match="full") as refused:
        submit(storage, seeds=list(range(500)))
    assert refused.value.remedy.startswith("Free space")
    assert storage.experiments.find().items == []
    assert storage.runs.counts() == {}
    disk.free()
    submit(storage)


def test_the_server_answers_a_full_disk_with_503_and_the_remedy(embedded):
    settings, _ = embedded
    app = create_app(settings)
    storage = app.state.context.storage
    disk = Disk(storage)
    disk.fill(storage)
    document = {"preset": "l2", "overrides": {"seeds": list(range(60))}}
    with TestClient(app) as http:
        reply = http.post("/v1/experiments", json=document)
        assert reply.status_code == 503
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.headers["retry-after"] == "5"
        assert "Free space" in reply.json()["errors"][0]["remedy"]
        assert http.get("/v1/experiments").json()["items"] == []
        disk.free()
        assert http.post("/v1/experiments", json=document).status_code == 202


def test_persist_tells_a_second_try_and_gives_up_when_told():
    seen = []

    def action(again):
        seen.append(again)
        if len(seen) < 3:
            raise StorageUnavailableError("away")
        return "done"

    assert persist(action, lambda: False) == "done"
    assert seen == [False, True, True]
    seen.clear()
    with pytest.raises(StorageUnavailableError):
        persist(action, lambda: True)
    with pytest.raises(KeyError):
        persist(lambda _: {}["none"], lambda: False)


def test_a_message_is_handed_back_without_a_traceback(log_lines, monkeypatch):
    monkeypatch.setattr(tasks, "stopping", lambda: True)
    handed_back = tasks.run.apply(["some run"])
    assert handed_back.state == "REJECTED"
    assert handed_back.result.requeue
    (line,) = [line for line in log_lines() if line["logger"] == "celery.app.trace"]
    assert "shutting down" in line["event"]
    assert line["level"] == "warning"
    assert "exception" not in line


def test_owners_of_this_machine_are_known_to_be_dead():
    assert owner() != owner()
    assert not is_dead(owner())
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    name = f"{machine()}/{process(child.pid)}/1"
    assert not is_dead(name)
    child.kill()
    # It has ended and is a zombie, until it is waited for.
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_dead(name)
    child.wait()
    assert is_dead(name)
    # The same id, started at another time.
    assert is_dead(f"{machine()}/{os.getpid()}@1/1")
    for unsure in ("", "w", f"other-host:x:1/{child.pid}@1/1", f"{machine()}/x"):
        assert not is_dead(unsure)


@pytest.mark.parametrize("task_seconds", [60, 500_000])
def test_redis_hides_a_message_longer_than_any_task_takes(tmp_path, task_seconds):
    settings = Settings.from_env(
        {
            "REGLAB_HOME": str(tmp_path),
            "REGLAB_BROKER_URL": "redis://localhost/0",
            "REGLAB_TASK_SECONDS": str(task_seconds),
        }
    )
    conf = make_app(settings).conf
    hidden = conf.broker_transport_options["visibility_timeout"]
    assert task_seconds == conf.task_soft_time_limit < conf.task_time_limit < hidden
    assert settings.heartbeat_seconds * 10 < settings.lease_seconds
    assert conf.accept_content == ["json"]
    assert conf.result_backend is None
