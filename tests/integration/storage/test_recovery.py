"""What a database was for a moment, read-only, full or another file, it is not for ever."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
import threading
import traceback
from pathlib import Path

import pytest
from sqlalchemy import text

from reglab.core.storage import Storage, StorageUnavailableError
from reglab.core.storage.database import check_writable
from reglab.core.storage.migrate import upgrade
from tests.harness.stored import submit

NOBODY = 65534


def as_nobody(action, *arguments):
    """Do it in a process of a user for whom files can be read-only, as they cannot for root."""

    def run(failure):
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        try:
            action(*arguments)
        except BaseException:
            failure.put(traceback.format_exc())
        else:
            failure.put("")

    context = multiprocessing.get_context("fork")
    failure = context.SimpleQueue()
    process = context.Process(target=run, args=(failure,))
    process.start()
    try:
        assert failure.get() == ""
    finally:
        process.join(10)


def read_only_for_a_while(path):
    storage = Storage(f"sqlite:///{path}")
    submit(storage, runs=1)
    storage.engine.dispose()
    set_mode(path, 0o444)
    start = threading.Barrier(5)

    def read():
        start.wait()
        with storage.engine.connect() as connection:
            connection.execute(text("SELECT count(*) FROM runs")).scalar()
            start.wait()

    readers = [threading.Thread(target=read) for _ in range(5)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    for refused in (lambda: submit(storage, runs=1), lambda: check_writable(storage.engine)):
        with pytest.raises(StorageUnavailableError) as caught:
            refused()
        assert "writable" in caught.value.remedy
    set_mode(path, 0o644)
    for _ in range(12):
        submit(storage, runs=1)
    check_writable(storage.engine)


def set_mode(path, mode):
    for file in path.parent.iterdir():
        file.chmod(mode)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_writes_go_on_when_the_file_is_writable_again():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reglab.db"
        upgrade(f"sqlite:///{path}")
        for place in (Path(folder), *Path(folder).iterdir()):
            os.chown(place, NOBODY, NOBODY)
        as_nobody(read_only_for_a_while, path)


def test_a_restored_file_is_opened_anew(tmp_path):
    path, copy = tmp_path / "reglab.db", tmp_path / "copy.db"
    upgrade(f"sqlite:///{path}")
    storage = Storage(f"sqlite:///{path}")
    kept = submit(storage, runs=1)
    with storage.engine.connect() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    shutil.copy(path, copy)
    lost = submit(storage, runs=1)
    assert {item.id for item in storage.experiments.find().items} == {kept, lost}
    for rest in ("-wal", "-shm"):
        Path(f"{path}{rest}").unlink(missing_ok=True)
    copy.replace(path)
    assert [item.id for item in storage.experiments.find().items] == [kept]
    again = submit(storage, runs=1)
    other = Storage(f"sqlite:///{path}")
    assert {item.id for item in other.experiments.find().items} == {kept, again}


@pytest.mark.services
def test_a_standby_that_became_a_leader(postgres_server):
    from tests.harness.servers import fresh_database

    with fresh_database(postgres_server) as url:
        upgrade(url)
        storage = Storage(url)
        submit(storage, runs=1)
        set_read_only(storage, "on")
        storage.engine.dispose()
        with pytest.raises(StorageUnavailableError, match="read-only"):
            submit(storage, runs=1)
        with pytest.raises(StorageUnavailableError, match="read-only"):
            check_writable(storage.engine)
        set_read_only(storage, "off")
        # The pool's connections began as those of a standby.
        submit(storage, runs=1)
        check_writable(storage.engine)
        storage.close()


def set_read_only(storage, value):
    database = storage.engine.url.database
    with storage.engine.connect() as connection:
        connection.execute(text("SET default_transaction_read_only = off"))
        connection.commit()
        connection.execute(
            text(f'ALTER DATABASE "{database}" SET default_transaction_read_only = {value}')
        )
        connection.commit()
        connection.invalidate()


def test_another_writer_is_no_fault(storage):
    with storage.engine.execution_options(reglab_write=True).begin():
        check_writable(storage.engine)
