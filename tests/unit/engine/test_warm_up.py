"""Of processes that start together one compiles, and none waits for ever."""

from __future__ import annotations

import fcntl
import threading

import pytest

from reglab.core.engine import warm_up


@pytest.fixture
def held(tmp_path, monkeypatch):
    """The lock, as another process holds it while it compiles."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock


def test_the_others_wait_for_the_one_that_compiles(held):
    waiting = threading.Thread(target=warm_up.warm_up)
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    fcntl.flock(held, fcntl.LOCK_UN)
    waiting.join(100)
    assert not waiting.is_alive()


def test_one_that_never_ends_is_not_waited_for(held, monkeypatch):
    monkeypatch.setattr(warm_up, "PATIENCE_SECONDS", 0.1)
    warm_up.warm_up()


def test_a_folder_that_cannot_be_written_has_no_lock(monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/dev/null/cache")
    warm_up.warm_up()
