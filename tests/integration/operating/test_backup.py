"""A backup of a service in full work, restored elsewhere, ends with the same bits."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from reglab.core.storage import LeaseLostError, Storage
from reglab.core.storage.backup.command import create, restore, verify
from reglab.core.storage.migrate import upgrade
from reglab.core.storage.states import BackupRefusedError
from tests.harness.servers import fresh_database
from tests.harness.stored import columns, submit
from tests.harness.workers import Delivery


@pytest.fixture
def elsewhere(database_url, tmp_path, request):
    """URL of an empty place of the same kind."""
    if database_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'new' / 'reglab.db'}"
        return
    with fresh_database(request.getfixturevalue("postgres_server")) as url:
        yield url


def refused(match: str):
    return pytest.raises(BackupRefusedError, match=match)


def test_what_trained_is_handed_back_and_its_former_worker_may_not_write(
    storage, database_url, elsewhere, tmp_path
):
    experiment = submit(storage, runs=4)
    claims = [storage.runs.lease_next(name) for name in "abc"]
    storage.runs.record(claims[0], 3, 0.1, columns(0, 4), ({}, {"epoch": 3}))
    storage.runs.finish(claims[1], None, {}, {"ece": 1.0})
    storage.runs.record(claims[2], 3, 0.1)
    storage.experiments.change(experiment, name="Kept")
    with storage.engine.begin() as connection:
        connection.exec_driver_sql(
            f"UPDATE runs SET cancel_requested = true WHERE id = '{claims[2].run_id}'"
        )
    file = create(database_url, tmp_path / "one.backup")
    # What comes later is not in it.
    storage.experiments.change(experiment, name="Later")
    found = restore(file, elsewhere)
    assert (found.experiments, found.runs, found.handed_back) == (1, 4, 1)
    new = Storage(elsewhere)
    runs = {run.id: run for run in new.experiments.runs(experiment)}
    assert new.experiments.get(experiment).name == "Kept"
    assert runs[claims[0].run_id].state == "queued"
    assert runs[claims[1].run_id].summary == {"ece": 1.0}
    assert runs[claims[2].run_id].state == "cancelled"
    with pytest.raises(LeaseLostError):
        new.runs.heartbeat(claims[0])
    again = new.runs.lease(claims[0].run_id, "d")
    assert (again.attempt, again.checkpoint[1]) == (2, {"epoch": 3})
    new.close()


def test_nothing_is_overwritten(storage, database_url, elsewhere, tmp_path):
    submit(storage)
    file = create(database_url, tmp_path / "one.backup")
    before = file.read_bytes()
    with refused("exists"):
        create(database_url, file)
    assert file.read_bytes() == before
    with refused("exists|has tables already"):
        restore(file, database_url)
    restore(file, elsewhere)
    with refused("exists|has tables already"):
        restore(file, elsewhere)
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith(".part")]


def test_a_damaged_backup_is_refused_and_leaves_the_place_empty(
    storage, database_url, elsewhere, tmp_path
):
    submit(storage, runs=200)
    file = create(database_url, tmp_path / "one.backup")
    assert verify(file) >= "0004"
    content = file.read_bytes()
    broken = tmp_path / "broken.backup"
    middle = len(content) // 2
    cases = {
        "damaged|pg_restore": content[: len(content) - len(content) // 3],
        "damaged|pg_restore|alembic": content[:middle] + b"\xff" * 4096 + content[middle + 4096 :],
        "no backup": b"what" + content,
    }
    for match, damaged in cases.items():
        broken.write_bytes(damaged)
        with refused(match):
            restore(broken, elsewhere)
    with refused("cannot be read"):
        restore(tmp_path / "none.backup", elsewhere)
    assert restore(file, elsewhere).runs == 200


def test_a_backup_of_a_newer_version_is_refused(storage, database_url, elsewhere, tmp_path):
    with storage.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    file = create(database_url, tmp_path / "one.backup")
    with refused("revision 9999"):
        restore(file, elsewhere)
    if elsewhere.startswith("sqlite"):
        assert not Path(elsewhere.removeprefix("sqlite:///")).exists()


def test_a_backup_of_an_older_version_is_brought_up_to_date(empty_url, tmp_path, request):
    upgrade(empty_url, "0002")
    file = create(empty_url, tmp_path / "old.backup")
    assert verify(file) == "0002"
    with contextlib.ExitStack() as stack:
        url = f"sqlite:///{tmp_path / 'new.db'}"
        if not empty_url.startswith("sqlite"):
            url = stack.enter_context(fresh_database(request.getfixturevalue("postgres_server")))
        assert restore(file, url).experiments == 0


def test_kinds_do_not_mix(tmp_path):
    upgrade(f"sqlite:///{tmp_path / 'reglab.db'}")
    file = create(f"sqlite:///{tmp_path / 'reglab.db'}", tmp_path / "one.backup")
    with refused("backup of SQLite"):
        restore(file, "postgresql+psycopg://nobody@127.0.0.1:1/none")


def test_a_folder_keeps_the_newest(tmp_path):
    url = f"sqlite:///{tmp_path / 'reglab.db'}"
    upgrade(url)
    folder = tmp_path / "backups"
    folder.mkdir()
    made = [create(url, folder, keep=2) for _ in range(4)]
    assert sorted(folder.iterdir()) == made[-2:]


def command(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "reglab.core.storage.backup.command", *words],
        env={**os.environ, **env}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_command(tmp_path):
    home, new, file = tmp_path / "home", tmp_path / "new", str(tmp_path / "one.backup")
    home.mkdir()
    upgrade(f"sqlite:///{home / 'reglab.db'}")
    done = command("create", file, REGLAB_HOME=str(home))
    assert done.returncode == 0, done.stderr
    assert "revision" in done.stdout
    done = command("create", file, REGLAB_HOME=str(home))
    assert (done.returncode, "exists" in done.stderr) == (1, True)
    assert "Traceback" not in done.stderr
    assert command("verify", file).returncode == 0
    done = command("restore", file, REGLAB_HOME=str(new))
    assert (done.returncode, done.stdout) == (0, "0 experiments, 0 runs, 0 handed back\n")
    done = command("restore")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    with sqlite3.connect(new / "reglab.db") as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (0,)


@pytest.mark.slow
def test_trainings_go_on_from_a_backup_to_the_same_bits(delivery, broker, tmp_path):
    delivery.worker(1).wait_ready()
    experiment = delivery.submit(seeds=[0, 1], **{"training.epochs": 8_000})
    delivery.wait_checkpoint(experiment)
    states = delivery.states(experiment)
    assert "running" in states
    assert "queued" in states
    file = create(delivery.settings.database_url, tmp_path / "middle.backup")
    with contextlib.ExitStack() as stack:
        env = {"REGLAB_HOME": str(tmp_path / "home")}
        if broker == "redis":
            server = delivery.settings.database_url
            env["REGLAB_DATABASE_URL"] = stack.enter_context(fresh_database(server))
            # Another number of the same server: another broker.
            env["REGLAB_BROKER_URL"] = delivery.env["REGLAB_BROKER_URL"].replace("/0", "/1")
        url = Delivery(env, tmp_path).settings.database_url
        assert restore(file, url).handed_back >= 1
        restored = Delivery(env, tmp_path)
        stack.callback(restored.close)
        assert restored.run(experiment).epoch < restored.run(experiment).spec["training"]["epochs"]
        delivery.wait_for(experiment)
        for worker in delivery.workers:
            worker.kill()
        # No message was sent: the worker's sweep finds what waits.
        restored.worker(2).wait_ready()
        restored.wait_for(experiment)
        assert max(run.attempt for run in restored.runs(experiment)) > 1
        assert restored.bits(experiment) == delivery.bits(experiment)
