"""A worker that work does not reach begins anew by itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from reglab.worker.watchdog import Watchdog
from tests.harness.workers import until

DEAF = ["-Q", "elsewhere"]


class Clock:
    def __init__(self) -> None:
        self.moment = 100.0

    def __call__(self) -> float:
        return self.moment


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watchdog(clock) -> Watchdog:
    return Watchdog(10.0, lambda why: None, clock)


def test_work_that_waits_beside_free_slots_is_trouble(watchdog, clock):
    for _ in range(11):
        assert watchdog.trouble() is None
        clock.moment += 1
        watchdog.looked(starving=True)
    assert watchdog.trouble() == "runs are queued beside free slots for 11 s"


def test_one_look_without_want_begins_the_patience_anew(watchdog, clock):
    for starving in [True] * 8 + [False] + [True] * 8:
        clock.moment += 1
        watchdog.looked(starving)
        assert watchdog.trouble() is None


def test_a_sweeper_that_hangs_is_trouble(watchdog, clock):
    watchdog.looked(starving=False)
    clock.moment += 11
    assert watchdog.trouble() == "the reaper has not ended a look for 11 s"


# A pool of one process, and a worker that no signal reaches.
DEAF_WORKER = """
    import signal, subprocess, sys, time
    from reglab.worker import watchdog
    watchdog.STOP_SECONDS = watchdog.LOOK_SECONDS = 0.1
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", "600"])
    print(child.pid, flush=True)
    restart = watchdog.Restart(lambda: [child.pid], [sys.executable, "-c", "print('anew')"])
    restart.watch()
    {requests}
    time.sleep(600)
"""


@pytest.mark.parametrize(
    ("requests", "code"),
    [
        ("restart('deaf')", 0),
        ("restart.stop_asked()", 1),
        ("restart.end()", 1),
        # Of a restart and someone else's request the latter wins.
        ("restart.stop_asked(); restart.stop_asked(); restart('deaf')", 1),
    ],
    ids=["restart", "stop", "end", "stop and restart"],
)
def test_a_shutdown_does_not_wait_for_those_who_do_not_hear(requests, code):
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(DEAF_WORKER).format(requests=requests)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    pid, *lines = ended.stdout.splitlines()
    assert ended.returncode == code, ended.stderr
    assert ("anew" in lines) == (code == 0)
    # Where its threads stood is left in the log.
    assert "MainThread" in ended.stdout
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), signal.SIGCONT)


@pytest.mark.slow
@pytest.mark.services
@pytest.mark.parametrize("broker", ["redis"], indirect=True, scope="module")
def test_an_unreached_worker_begins_anew_and_still_hears_a_stop(delivery):
    worker = delivery.worker(arguments=DEAF, REGLAB_STARVING_SECONDS="3").wait_ready()
    experiment = delivery.submit("l2", **{"training.epochs": 60, "sweep": {}})
    until(lambda: worker.text().count(" ready.") > 1, what=worker.text)
    assert worker.alive
    assert "runs are queued beside free slots" in worker.text()
    until(lambda: worker.text().count("this worker restarts") > 1, what=worker.text)
    # The signal kills what has not yet come so far as to listen.
    assert worker.terminate() in {0, -signal.SIGTERM}
    assert delivery.states(experiment) == ["queued"]
    delivery.worker()
    delivery.wait_for(experiment)
    assert delivery.run(experiment).attempt == 1
