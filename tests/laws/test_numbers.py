"""One number, one source: what a run ends with is the same wherever it is told."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reglab.core.spec import METRICS, parse_spec
from reglab.core.spec.metrics import metrics_of
from tests.harness.fuzz import inputs, tell
from tests.harness.inline import SMALL

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


def test_the_last_network_is_not_compared_by_the_examples_of_the_kept(trained):
    ids = [trained.finished(stopping(flag))["runs"][0]["id"] for flag in (True, False)]
    found = trained.get("/compare", runs=",".join(ids), at="last")
    assert found["by_example"] is None
    assert "not stored" in found["by_example_reason"]
    assert trained.get("/compare", runs=",".join(ids))["by_example"] is not None


def test_losses_in_different_units_have_no_difference(trained):
    models = [{"hidden": [5], "loss": loss} for loss in ("cross_entropy", "squared")]
    probes = {"calibration": None}
    made = [trained.finished(MOONS | {"model": model, "probes": probes}) for model in models]
    pairs = {
        "runs": ",".join(one["runs"][0]["id"] for one in made),
        "experiments": ",".join(one["id"] for one in made),
    }
    for kind, ids in pairs.items():
        found = trained.get("/compare", **{kind: ids})
        rows = found["metrics"] or found["by_seed"]
        assert [row["metric"] for row in rows] == ["train_accuracy", "test_accuracy"]
    assert trained.get("/compare", runs=pairs["runs"])["by_example"]["nll"] is None


@inputs(10)
@given(
    values=st.lists(st.sampled_from([0, 0.001, 0.01, 0.1]), min_size=1, max_size=3, unique=True),
    single=st.sampled_from([0, 0.001, 0.01, 0.1]),
)
def test_points_meet_by_their_resolved_values(trained, values, single):
    one = trained.finished(SMALL | {"sweep": {"regularization.l2": values}})
    other = trained.finished(SMALL | {"regularization": {"l2": single}})
    reply = trained.http.get("/v1/compare", params={"experiments": f"{one['id']},{other['id']}"})
    if single in values:
        rows = reply.json()["by_seed"]
        assert len({json.dumps(row["params_a"]) for row in rows}) == 1
        assert all(row["result"]["difference"] == 0 for row in rows)
    else:
        # Two single points are compared whatever they are.
        assert reply.status_code == (200 if len(values) == 1 else 409)


def test_objects_and_their_fields_make_the_same_points(trained):
    rates = [0.1, 0.2]
    schedules = [{"lr": rate} for rate in rates]
    sweeps = {"optimizer.schedule": schedules}, {"optimizer.schedule.lr": rates}
    spec = SMALL | {"optimizer": {"name": "sgd", "schedule": {"lr": 0.3}}}
    ids = [trained.finished(spec | {"sweep": sweep})["id"] for sweep in sweeps]
    rows = trained.get("/compare", experiments=",".join(ids))["by_seed"]
    assert len({json.dumps(row["params_b"]) for row in rows}) == 2
    assert all(row["result"]["difference"] == 0 for row in rows)


def test_a_sweep_over_bins_has_one_ece(trained):
    """Table, figure and comparison measure all points with the same bins."""
    sweep = {"probes.calibration.bins": [5, 20]}
    made = trained.finished(MOONS | {"sweep": sweep, "seeds": [0, 1]})
    rows = trained.get(f"/experiments/{made['id']}/ece")["items"]
    mean = sum(row["ece"] for row in rows) / len(rows)
    figures = trained.get(f"/experiments/{made['id']}/figures")["items"]
    caption = next(row["caption"] for row in figures if row["name"] == "ece")
    assert f"{mean:.3f}" in caption
    compared = trained.get("/compare", experiments=f"{made['id']},{made['id']}")["by_seed"]
    found = [row["result"]["mean_a"] for row in compared if row["metric"] == "ece"]
    for bins, value in zip([5, 20], found, strict=True):
        point = [row["ece"] for row in rows if row["params"] == {"probes.calibration.bins": bins}]
        assert value == pytest.approx(sum(point) / len(point))


@pytest.mark.parametrize("text", ["inf", "-inf", "nan", "1e400"])
def test_numbers_that_are_not_finite_are_refused_by_name(trained, text):
    run = trained.finished(SMALL)["runs"][0]
    for path, name in [
        (f"runs/{run['id']}/weights", "threshold"),
        (f"experiments/{run['experiment_id']}/figures/curves.png", "width"),
        ("playground", "lr"),
    ]:
        reply = trained.http.get(f"/v1/{path}", params={name: text})
        assert reply.status_code == 422, path
        assert reply.json()["errors"][0]["field"] == name


def test_any_etag_is_a_known_one(trained):
    run = trained.finished(SMALL)["runs"][0]
    for path in (
        f"runs/{run['id']}/arrays/param.W0",
        f"experiments/{run['experiment_id']}/figures",
    ):
        tag = trained.http.get(f"/v1/{path}").headers["etag"]
        for known in ("*", tag, f'"other", W/{tag}'):
            reply = trained.http.get(f"/v1/{path}", headers={"If-None-Match": known})
            assert (reply.status_code, reply.content) == (304, b"")


def test_text_that_is_no_utf8_is_refused(trained):
    for query in ("q=%ff", "q=%ed%a0%80"):
        assert trained.http.get(f"/v1/experiments?{query}").status_code == 400
