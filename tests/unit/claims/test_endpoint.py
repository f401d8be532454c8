"""GET /v1/experiments/{id}/claims over stored results."""

from __future__ import annotations

import pytest

from reglab.core import claims
from tests.harness.stored import serve, store
from tests.unit.claims.cases import CASES, around

SEEDS = range(6)


@pytest.fixture
def client(tmp_path):
    with serve(tmp_path) as made:
        yield made


def by_id(reply):
    assert reply.status_code == 200
    return {row["id"]: row for row in reply.json()["items"]}


def test_verdicts_with_values_and_reasons(client):
    targets = around(0.05)
    runs = [run for seed in SEEDS for run in CASES["l2-test-accuracy"].build(targets[seed], seed)]
    rows = by_id(client.get(f"/v1/experiments/{store(client, 'l2', runs)}/claims"))
    assert list(rows) == list(claims.REGISTRY)
    row = rows["l2-test-accuracy"]
    assert row["value"] == pytest.approx(0.05)
    assert row["low"] <= row["value"] <= row["high"]
    assert (row["seeds"], row["verdict"], row["reason"]) == (6, "supported", None)
    assert (row["threshold"], row["threshold_low"], row["threshold_high"]) == ("> 0", 0.0, None)
    assert row["by_seed"] == pytest.approx({str(seed): targets[seed] for seed in SEEDS})
    other = rows["dropout-test-loss"]
    assert (other["verdict"], other["value"], other["seeds"]) == (None, None, 0)
    assert "dropout" in other["reason"]


def test_one_seed_never_decides(client):
    runs = CASES["l2-test-accuracy"].build(0.05, 0)
    row = by_id(client.get(f"/v1/experiments/{store(client, 'l2', runs)}/claims"))
    assert row["l2-test-accuracy"]["verdict"] == "undecided"
    assert row["l2-test-accuracy"]["low"] is None


def test_a_claim_may_draw_on_two_experiments(client):
    targets = around(0.8)
    made = [
        run for seed in SEEDS for run in CASES["sparsity-l1-over-l2"].build(targets[seed], seed)
    ]
    ids = {
        kind: store(client, kind, [run for run in made if f"regularization.{kind}" in run.params])
        for kind in ("l2", "l1")
    }
    alone = by_id(client.get(f"/v1/experiments/{ids['l2']}/claims"))["sparsity-l1-over-l2"]
    assert alone["verdict"] is None
    assert "both together" in alone["reason"]
    reply = client.get(f"/v1/experiments/{ids['l2']}/claims", params={"with": ids["l1"]})
    assert by_id(reply)["sparsity-l1-over-l2"]["verdict"] == "supported"


def test_unknown_experiments_are_problems(client):
    runs = CASES["l2-test-accuracy"].build(0.05, 0)
    missing = "01a20e8c-cfe5-759a-82b0-fdfa1ca8176f"
    known = store(client, "l2", runs)
    for path, query in ((missing, {}), (known, {"with": missing}), (known, {"with": "x"})):
        reply = client.get(f"/v1/experiments/{path}/claims", params=query)
        assert reply.status_code == 404
        assert reply.headers["content-type"] == "application/problem+json"
