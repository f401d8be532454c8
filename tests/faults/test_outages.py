"""Brokers and databases that go away: submissions are accepted, runs go on, none fails for it."""

from __future__ import annotations

import shutil
import time

import pytest
from fastapi.testclient import TestClient

from reglab.api.app import create_app
from tests.harness.workers import until

pytestmark = pytest.mark.slow
SERVERS = pytest.mark.parametrize(
    "broker", [pytest.param("redis", marks=pytest.mark.services)], indirect=True, scope="module"
)
DOCUMENT = {"preset": "l2", "overrides": {"training.epochs": 40, "sweep": {}, "seeds": [0, 1]}}


@pytest.fixture
def broker_away(delivery, servers):
    """Functions that take the broker away and bring it back."""
    if servers:
        return servers["redis"].stop, servers["redis"].start
    folder = delivery.settings.home / "broker"

    def away():
        shutil.rmtree(folder, ignore_errors=True)
        # Nothing can be put into a file.
        folder.write_text("")

    def back():
        folder.unlink()

    return away, back


def test_without_a_broker_submissions_are_accepted_and_run_later(delivery, broker_away):
    away, back = broker_away
    with TestClient(create_app(delivery.settings)) as http:
        away()
        began = time.monotonic()
        reply = http.post("/v1/experiments", json=DOCUMENT)
        assert reply.status_code == 202, reply.text
        assert time.monotonic() - began < 30
        # A worker that starts meanwhile waits for it.
        worker = delivery.worker()
        time.sleep(4)
        assert worker.alive, worker.text()
        back()
        experiments = [reply.json()["id"]]
        delivery.wait_for(experiments[0])
        # And again, under a worker that was connected.
        away()
        overrides = DOCUMENT["overrides"] | {"seeds": [2, 3]}
        reply = http.post("/v1/experiments", json={"preset": "l2", "overrides": overrides})
        assert reply.status_code == 202, reply.text
        time.sleep(2)
        back()
        experiments.append(reply.json()["id"])
        delivery.wait_for(experiments[1])
        assert worker.alive, worker.text()
    for experiment in experiments:
        assert {run.attempt for run in delivery.runs(experiment)} == {1}


@SERVERS
def test_a_restart_of_postgres_costs_no_attempt(delivery, servers, undisturbed):
    postgres = servers["postgres"]
    experiment = delivery.submit()
    delivery.wait_checkpoint(experiment)
    postgres.stop()
    # Longer than the lease: nobody could renew it.
    time.sleep(delivery.settings.lease_seconds + 1)
    postgres.start()
    delivery.wait_for(experiment)
    run = delivery.run(experiment)
    assert (run.attempt, run.errors) == (1, [])
    assert delivery.bits(experiment) == undisturbed


@SERVERS
def test_a_finished_training_waits_for_the_database(delivery, servers, undisturbed):
    experiment = delivery.submit()
    delivery.wait_checkpoint(experiment)
    servers["postgres"].stop()
    log = delivery.the_worker().text
    already = log().count("will try until it is back")
    # It trains to the end meanwhile, and then waits.
    until(lambda: log().count("will try until it is back") > already, what="it has finished")
    servers["postgres"].start()
    delivery.wait_for(experiment)
    assert delivery.run(experiment).attempt == 1
    assert delivery.bits(experiment) == undisturbed
