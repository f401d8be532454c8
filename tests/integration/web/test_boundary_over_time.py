"""The boundary at a chosen epoch, over HTTP."""

from __future__ import annotations

import numpy as np
import pytest

from tests.harness.inline import SMALL

WANTED = {**SMALL, "probes": {"boundary": {"resolution": 10, "snapshots": 3}}}


@pytest.fixture(scope="module")
def finished(trained):
    return trained.finished(WANTED)["runs"][0]["id"]


def test_snapshots_lead_to_the_trained_network(trained, finished):
    final = trained.get(f"/runs/{finished}/boundary")
    epochs = final["snapshot_epochs"]
    assert (epochs[0], epochs[-1], final["epoch"]) == (0, 6, None)
    first, last = (trained.get(f"/runs/{finished}/boundary", epoch=epochs[at]) for at in (0, -1))
    assert first["epoch"] == 0
    assert last["probability"] == final["probability"]
    assert not np.allclose(first["probability"], final["probability"])
    assert np.shape(first["probability"]) == (10, 10)


@pytest.mark.parametrize(
    ("query", "field", "remedy"),
    [
        ({"epoch": 1000}, "epoch", "Use one of: 0, "),
        ({"epoch": 0, "dropout_seed": 1}, "epoch", "Leave out dropout_seed"),
        ({"epoch": -1}, "epoch", "greater than or equal to 0"),
    ],
)
def test_what_is_not_there_is_named(trained, finished, query, field, remedy):
    reply = trained.http.get(f"/v1/runs/{finished}/boundary", params=query)
    assert reply.status_code == 422
    error = reply.json()["errors"][0]
    assert error["field"] == field
    assert remedy in error["remedy"]


def test_a_run_without_snapshots_says_what_to_set(trained):
    run = trained.finished(SMALL)["runs"][0]["id"]
    assert trained.get(f"/runs/{run}/boundary")["snapshot_epochs"] == []
    reply = trained.http.get(f"/v1/runs/{run}/boundary", params={"epoch": 0})
    assert "probes.boundary.snapshots" in reply.json()["errors"][0]["remedy"]
