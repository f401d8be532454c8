"""One number, one source: what a run ends with is the same wherever it is told."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reglab.core.spec import METRICS, parse_spec
from reglab.core.spec.metrics import metrics_of
from tests.live import SMALL
from tests.security.fuzz import inputs, tell

MOONS = {
    "dataset": {"name": "two_moons", "train_size": 50, "test_size": 200, "noise": 0.3},
    "model": {"hidden": [8]},
    "optimizer": {"name": "adam", "schedule": {"lr": 0.1}},
    "training": {"epochs": 12, "batch_size": 32},
}


def stopping(restore_best, patience=3):
    early = {"patience": patience, "restore_best": restore_best}
    return MOONS | {"regularization": {"early_stopping": early}}


def test_a_restored_network_is_compared_by_its_own_numbers(trained):
    kept, last = (trained.finished(stopping(flag)) for flag in (True, False))
    finals = [one["runs"][0]["summary"]["final"] for one in (kept, last)]
    pair = ",".join(one["id"] for one in (kept, last))
    rows = trained.get("/compare", experiments=pair)["by_seed"]
    found = {row["metric"]: row["result"] for row in rows}
    assert found["test_loss"]["mean_a"] == pytest.approx(finals[0]["test_loss"])
    assert found["test_loss"]["mean_b"] == pytest.approx(finals[1]["test_loss"])
    assert found["test_loss"]["difference"] != 0
    assert "validation_loss" in found
    rows = trained.get("/compare", experiments=pair, at="last")["by_seed"]
    again = {row["metric"]: row["result"] for row in rows}
    assert again["test_loss"]["difference"] == 0
    # Of the network that was not kept there are no probabilities.
    assert "ece" not in again


def test_squared_loss_has_no_numbers_of_probabilities(trained):
    spec = SMALL | {"model": {"hidden": [6], "loss": "squared"}, "seeds": [0, 1]}
    spec["probes"] = {"calibration": None, "boundary": {"resolution": 10}}
    made = trained.finished(spec)
    ids = [run["id"] for run in made["runs"]]
    names = [row["metric"] for row in trained.get("/compare", runs=",".join(ids))["metrics"]]
    assert names == ["train_loss", "train_accuracy", "test_loss", "test_accuracy"]
    assert "no probability" in trained.get(f"/runs/{ids[0]}/boundary")["quantity"]
    page = trained.http.get(f"/experiments/{made['id']}").text
    assert "cross-entropy" not in re.sub(r"<script.*?</script>", "", page, flags=re.S)


@inputs(12)
@given(
    seed=st.integers(0, 10_000),
    restore_best=st.booleans(),
    patience=st.integers(1, 4),
    loss=st.sampled_from(["cross_entropy", "squared"]),
)
def test_every_place_tells_the_same(trained, seed, restore_best, patience, loss):
    document = stopping(restore_best, patience) | {"seeds": [seed]}
    document["model"] = {"hidden": [6], "loss": loss}
    if loss == "squared":
        document["probes"] = {"calibration": None}
    made = trained.finished(document)
    (run,) = made["runs"]
    final = run["summary"]["final"]
    rows = trained.get("/compare", runs=f"{run['id']},{run['id']}")["metrics"]
    expected = [metric.name for metric in metrics_of(parse_spec(document))]
    assert [row["metric"] for row in rows] == expected
    for row in rows:
        if row["metric"] in final:
            assert row["a"] == row["b"] == final[row["metric"]]
    curves = trained.get(
        f"/experiments/{made['id']}/curves",
        metrics=",".join(metric.name for metric in METRICS if metric.is_curve),
    )
    at = curves["epoch"].index(final["epoch"])
    for name in ("train_loss", "test_accuracy", "validation_loss", "validation_accuracy"):
        assert curves[name][at] == final[name]
    page = trained.http.get(f"/experiments/{made['id']}").text
    shown = re.search(r'data-cell="test_accuracy">([^<]*)<', page).group(1)
    assert shown == f"{100 * final['test_accuracy']:.1f} %"
    if loss == "cross_entropy":
        (row,) = trained.get(f"/experiments/{made['id']}/ece")["items"]
        found = {each["metric"]: each["a"] for each in rows}
        assert row["ece"] == found["ece"] == run["summary"]["ece"]
        assert row["brier"] == pytest.approx(found["brier"], abs=1e-9)
        assert row["accuracy"] == pytest.approx(final["test_accuracy"])
    tell("endings", f"{loss}, {'restored' if restore_best else 'last'}")
