"""A worker that is asked to stop ends, whichever of its processes hear it or are gone."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.harness.workers import until

pytestmark = pytest.mark.slow
SHORT = {"training.epochs": 60, "sweep": {"regularization.l2": [0.0001 * k for k in range(4)]}}


@pytest.fixture
def idle(delivery):
    """A worker of two processes that have trained and wait for more."""
    worker = delivery.worker(processes=2).wait_ready()
    delivery.wait_for(delivery.submit("l2", **SHORT))
    yield worker
    worker.kill()


def test_a_signal_to_the_group_ends_the_pool_in_order(idle):
    os.killpg(idle.pid, signal.SIGTERM)
    assert idle.ended() == 0
    # None of the pool's processes died of the signal, which may leave the pool's locks taken.
    assert "exited with 'signal" not in idle.text()


def test_sigquit_waits_for_no_training(delivery):
    worker = delivery.worker().wait_ready()
    experiment = delivery.submit()
    holder = delivery.holder(delivery.run(experiment).id)
    os.kill(worker.pid, signal.SIGQUIT)
    assert worker.ended() == 1
    until(lambda: not Path(f"/proc/{holder}").exists(), what="its process is gone")
    delivery.storage.experiments.cancel(experiment)


def test_the_end_of_a_pool_that_lost_its_processes_is_not_waited_for(idle):
    """One of them had the lock of the pool's queue, and those that follow wait for it."""
    pool = idle.pool()
    for pid in pool:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not set(pool) & set(idle.pool()), what="they are gone")
    assert idle.terminate() in {0, 1}
