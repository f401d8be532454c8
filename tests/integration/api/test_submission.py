"""Submission, listing, changes: what is taken, what is refused, and what a refusal says."""

from __future__ import annotations

import itertools
import json

import pytest

from reglab.core.presets import PRESETS
from reglab.core.spec import merge
from tests.harness.inline import SMALL

PROBLEM = "application/problem+json"


def refused(reply, status):
    """The problem document of a refusal, checked for its form."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == PROBLEM
    document = reply.json()
    assert document["status"] == status
    assert document["type"].startswith("urn:reglab:")
    assert document["request_id"] == reply.headers["x-request-id"]
    return document


def fields(document):
    return {error["field"]: f"{error['detail']} {error['remedy']}" for error in document["errors"]}


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_can_be_submitted(inline, preset, images):
    made = inline.submit({"preset": preset})
    reply = inline.http.get(f"/v1/experiments/{made['id']}")
    assert reply.json()["preset"] == preset
    assert made["state"] == "queued"
    assert len(made["runs"]) == made["counts"]["queued"]


def test_submission_answers_with_location_and_run_ids(inline):
    reply = inline.http.post("/v1/experiments", json=SMALL)
    assert reply.status_code == 202
    body = reply.json()
    assert reply.headers["location"] == f"/v1/experiments/{body['id']}"
    assert body.pop("dropped") == []
    assert inline.http.get(reply.headers["location"]).json() == body
    run = inline.get(f"/runs/{body['runs'][0]['id']}")
    assert run["spec"]["training"]["epochs"] == 6
    assert run["id"][14] == "7"


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"colour": 1}, "colour", "Unknown field"),
        ({"training": {"epoks": 3}}, "training.epoks", "Did you mean 'epochs'"),
        ({"training.epochs": "six"}, "training.epochs", "valid integer"),
        ({"regularization.l2": -1}, "regularization.l2", "greater than or equal to 0"),
        ({"regularization.l1": -0.5}, "regularization.l1", "greater than or equal to 0"),
        ({"regularization.dropout": 1.0}, "regularization.dropout", "less than 1"),
        ({"regularization.dropout": -0.1}, "regularization.dropout", "greater than or equal"),
        ({"sweep": {"regularization.l2": []}}, "sweep.regularization.l2", "Empty sweep"),
        ({"sweep": {"regularization.l2": [0, -2]}}, "sweep.regularization.l2[1]", "equal to 0"),
        (
            {"seeds": list(range(1000)), "sweep": {"model.activation": ["tanh", "relu"]}},
            "sweep",
            "2000 runs",
        ),
        ({"dataset": {"name": "digits", "train_size": 1500}}, "dataset.test_size", "at most 297"),
    ],
)
def test_a_refusal_names_the_field_and_the_remedy(inline, changes, field, says):
    document = merge({k: v for k, v in SMALL.items() if k != "probes"}, changes)
    problem = refused(inline.http.post("/v1/experiments", json=document), 422)
    assert says in fields(problem)[field]
    assert inline.get("/experiments")["items"] == []


def test_all_faults_are_named_at_once(inline):
    document = merge(SMALL, {"training.epochs": 0, "regularization.l2": -1, "x": 1})
    problem = refused(inline.http.post("/v1/experiments", json=document), 422)
    assert set(fields(problem)) == {"training.epochs", "regularization.l2", "x"}


def test_overrides_of_presets_are_checked_too(inline):
    for overrides, field in (
        ({"training.epochs": 0}, "training.epochs"),
        ({"regularization.l3": 1}, "regularization.l3"),
    ):
        body = {"preset": "l2", "overrides": overrides}
        assert field in fields(refused(inline.http.post("/v1/experiments", json=body), 422))
    body = {"preset": "l3"}
    assert (
        "Known presets"
        in fields(refused(inline.http.post("/v1/experiments", json=body), 422))["preset"]
    )
    body = {"preset": "l2", "seeds": [1]}
    assert (
        "overrides" in fields(refused(inline.http.post("/v1/experiments", json=body), 422))["seeds"]
    )


def test_a_missing_dataset_is_refused_with_its_remedy(inline, monkeypatch, tmp_path):
    monkeypatch.setenv("REGLAB_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("REGLAB_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("REGLAB_DOWNLOAD", "0")
    problem = refused(inline.http.post("/v1/experiments", json={"preset": "label-smoothing"}), 422)
    assert problem["type"] == "urn:reglab:dataset-unavailable"
    assert "REGLAB_DATA_DIR" in fields(problem)["dataset.name"]
    row = next(row for row in inline.get("/datasets")["items"] if row["name"] == "mnist")
    assert not row["available"]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b'{"a": NaN}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"[]", "application/json", 422),
        (b"{}", "text/plain", 415),
        (b'{"preset": 3}', "application/json", 422),
        (b'{"preset": "l2", "overrides": []}', "application/json", 422),
    ],
)
def test_bodies_that_are_no_spec(inline, content, kind, status):
    reply = inline.http.post("/v1/experiments", content=content, headers={"content-type": kind})
    refused(reply, status)


def test_same_key_same_experiment(inline):
    first = inline.submit(SMALL, **{"Idempotency-Key": "one"})
    again = inline.submit(SMALL, **{"Idempotency-Key": "one"})
    assert again["id"] == first["id"]
    other = inline.submit(SMALL, **{"Idempotency-Key": "two"})
    assert other["id"] != first["id"]
    changed = merge(SMALL, {"training.epochs": 7})
    reply = inline.http.post("/v1/experiments", json=changed, headers={"Idempotency-Key": "one"})
    assert "new key" in fields(refused(reply, 409))["Idempotency-Key"]


def test_pages_hold_everything_once(inline):
    made = [inline.submit(merge(SMALL, {"name": f"n{k}", "tags": ["t"]}))["id"] for k in range(5)]
    inline.submit(SMALL)
    seen, cursor = [], None
    for _ in itertools.count():
        params = {"limit": 2, "tag": "t"} | ({"cursor": cursor} if cursor else {})
        page = inline.get("/experiments", **params)
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == made[::-1]
    assert [i["name"] for i in inline.get("/experiments", q="n3")["items"]] == ["n3"]
    assert len(inline.get("/experiments", state="queued")["items"]) == 6
    assert inline.get("/experiments", state="failed")["items"] == []
    assert inline.get("/experiments", preset="l2")["items"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [("limit=0", "limit"), ("cursor=zzz", "cursor"), ("state=done", "state")],
)
def test_bad_queries_are_named(inline, query, field):
    assert field in fields(refused(inline.http.get(f"/v1/experiments?{query}"), 422))


def test_name_and_tags_can_be_changed_and_nothing_else(inline):
    made = inline.submit(merge(SMALL, {"tags": ["a"]}))
    path = f"/v1/experiments/{made['id']}"
    body = inline.http.patch(path, json={"name": "N", "tags": ["b", "c"]}).json()
    assert (body["name"], body["tags"]) == ("N", ["b", "c"])
    body = inline.http.patch(path, json={"name": "M"}).json()
    assert (body["name"], body["tags"]) == ("M", ["b", "c"])
    for change in ({"spec": {}}, {"tags": [""]}, {"name": 3}, {"tags": "b"}, {"name": None}):
        refused(inline.http.patch(path, json=change), 422)


def test_wrong_states_are_409(inline):
    made = inline.submit(SMALL)
    path = f"/v1/experiments/{made['id']}"
    problem = refused(inline.http.post(f"{path}/retry"), 409)
    assert "nothing to retry" in problem["detail"]
    run = f"/v1/runs/{made['runs'][0]['id']}"
    for part in ("calibration", "corp", "selective", "confusion", "weights", "predictions"):
        assert "queued" in refused(inline.http.get(f"{run}/{part}"), 409)["detail"]
    refused(inline.http.get(f"{path}/figures/curves.png"), 409)
    assert inline.http.post(f"{path}/cancel").json()["state"] == "cancelled"
    refused(inline.http.post(f"{path}/cancel"), 409)
    assert inline.http.post(f"{path}/retry").json()["state"] == "queued"
    claim = inline.storage.runs.lease_next("w")
    assert "cancel" in refused(inline.http.delete(path), 409)["detail"]
    inline.storage.runs.release(claim, 0)
    assert inline.http.delete(path).status_code == 204
    refused(inline.http.get(path), 404)


def test_what_does_not_exist_is_404_with_a_way_on(inline):
    nobody = "01a20e8c-cfe5-759a-82b0-fdfa1ca8176f"
    for path in (f"experiments/{nobody}", f"runs/{nobody}", f"experiments/{nobody}/curves"):
        assert "List" in refused(inline.http.get(f"/v1/{path}"), 404)["detail"]
    refused(inline.http.get("/v1/runs/../../etc"), 404)
    refused(inline.http.get("/v1/experiments/1"), 404)
    refused(inline.http.get("/v1/nothing"), 404)
    refused(inline.http.delete("/v1/presets"), 405)
    reply = inline.http.put(f"/v1/experiments/{nobody}")
    assert reply.headers["allow"] == "DELETE, GET, HEAD, PATCH"
    assert "DELETE, GET, HEAD, PATCH" in refused(reply, 405)["detail"]


def test_a_fault_of_ours_is_a_500_logged_once_with_its_id(inline, monkeypatch, log_lines):
    monkeypatch.setattr(
        type(inline.http.app.state.context.storage.experiments), "find", lambda *_: 1 / 0
    )
    reply = inline.http.get("/v1/experiments", headers={"X-Request-ID": "abc-1"})
    problem = refused(reply, 500)
    assert problem["request_id"] == "abc-1"
    assert "ZeroDivision" not in reply.text
    faults = [line for line in log_lines() if line["event"] == "fault"]
    assert [line["request_id"] for line in faults] == ["abc-1"]
    assert "ZeroDivisionError" in json.dumps(faults)


def test_a_database_that_cannot_be_written_is_a_503(inline):
    import stat

    path = inline.settings.home / "reglab.db"
    inline.storage.close()
    with inline.storage.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    inline.http.app.state.context.storage.close()
    inline.storage.close()
    path.rename(path.with_suffix(".away"))
    path.mkdir(mode=stat.S_IRWXU)
    problem = refused(inline.http.post("/v1/experiments", json=SMALL), 503)
    assert "nothing was half-written" in problem["detail"]


def test_catalogue(inline):
    names = [row["name"] for row in inline.get("/presets")["items"]]
    assert names[:6] == list(PRESETS)[:6]
    assert inline.get("/schema")["additionalProperties"] is False
    assert inline.http.get("/healthz").json()["status"] == "ok"
    ready = inline.http.get("/readyz").json()
    assert ready["ready"]
    assert "start one" in ready["worker"]
    assert "reglab_requests_total" in inline.http.get("/metrics").text
