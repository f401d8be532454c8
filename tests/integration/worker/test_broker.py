"""The embedded broker: messages are whole, taken once, and nothing in the folder stops a reader."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import Counter
from queue import Empty

import pytest
from kombu import Connection

from reglab.core.process.broker import EMBEDDED_URL, QUEUE, transport_options
from reglab.core.settings import Settings


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "broker"


@pytest.fixture
def connect(tmp_path):
    settings = Settings.from_env({"REGLAB_HOME": str(tmp_path)})
    made = []

    def connection():
        made.append(Connection(EMBEDDED_URL, transport_options=transport_options(settings)))
        return made[-1]

    yield connection
    for each in made:
        each.release()


def test_what_is_put_is_taken_and_gone(connect, folder):
    queue = connect().SimpleQueue(QUEUE)
    queue.put({"run": "01"})
    assert queue.qsize() == 1
    # The server and the worker are different processes.
    message = connect().SimpleQueue(QUEUE).get(timeout=240)
    assert message.payload == {"run": "01"}
    message.ack()
    assert list(folder.iterdir()) == []


def test_a_message_that_is_given_back_is_there_again(connect):
    queue = connect().SimpleQueue(QUEUE)
    queue.put({"run": "01"})
    queue.get(timeout=240).requeue()
    assert queue.get(timeout=240).payload == {"run": "01"}


def test_readers_at_the_same_time_share_the_messages(connect):
    total, readers = 200, 4
    sender = connect().SimpleQueue(QUEUE)
    taken = []
    deadline = time.monotonic() + 120

    def read():
        queue = connect().SimpleQueue(QUEUE)
        while len(taken) < total and time.monotonic() < deadline:
            with contextlib.suppress(Empty):
                message = queue.get(timeout=0.2)
                taken.append(message.payload)
                message.ack()

    threads = [threading.Thread(target=read) for _ in range(readers)]
    for thread in threads:
        thread.start()
    for number in range(total):
        sender.put(number)
    for thread in threads:
        thread.join()
    assert Counter(taken) == Counter(range(total))


def test_foreign_and_broken_files_stop_nobody(connect, folder):
    queue = connect().SimpleQueue(QUEUE)
    folder.mkdir()
    (folder / f"empty.{QUEUE}.msg").touch()
    (folder / f"half.{QUEUE}.msg").write_text('{"body": ')
    (folder / "notes.txt").write_text("not ours")
    (folder / f"later.{QUEUE}.msg.draft").write_text("being written")
    queue.put("whole")
    assert queue.get(timeout=240).payload == "whole"
    assert (folder / "notes.txt").exists()


def test_a_missing_folder_is_an_empty_queue(connect):
    queue = connect().SimpleQueue(QUEUE)
    assert queue.qsize() == 0
    with pytest.raises(Empty):
        queue.get(timeout=0.1)


def test_what_killed_processes_left_is_removed_in_time(connect, folder):
    folder.mkdir(parents=True)
    names = ("a.reglab.msg.draft", "b.taken", "c.reglab.msg.draft")
    for name in names:
        (folder / name).write_text("half")
    old = time.time() - 7200
    for name in names[:2]:
        os.utime(folder / name, (old, old))
    with pytest.raises(Empty):
        connect().SimpleQueue(QUEUE).get(timeout=0.2)
    assert [path.name for path in folder.iterdir()] == [names[2]]
