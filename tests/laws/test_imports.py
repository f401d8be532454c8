"""An import is stored as validated: whatever is left out or of another type, all can be used."""

from __future__ import annotations

import copy
import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.harness.fuzz import inputs, tell
from tests.integration.security import archives
from tests.integration.security.test_imports import exports, send, target, unpacked, used

__all__ = ["exports", "target", "unpacked"]
ODD = [None, True, 0, -1, 1e308, "", "a", [], {}, [1], {"a": 1}]
PLAN = {"preset": "l2", "overrides": {"training.epochs": 50}}


def places(node, within):
    """Every (object, key) of the parts of a document that strangers fill in."""
    for part in within:
        if isinstance(node.get(part), dict):
            yield from archives.places(node[part])


@inputs(40)
@given(data=st.data())
def test_what_is_taken_can_be_used(target, unpacked, data):
    members = dict(data.draw(st.sampled_from(list(unpacked))))
    names = [name for name in members if name.startswith("runs/") and name.endswith(".json")]
    name = data.draw(st.sampled_from([*sorted(names), "experiment.json"]))
    document = json.loads(members[name])
    for _ in range(data.draw(st.integers(1, 3))):
        found = list(places(document, ["summary", "spec"]))
        node, key = data.draw(st.sampled_from(found))
        if data.draw(st.booleans()):
            del node[key]
        else:
            # A copy: the next change may be within it.
            node[key] = copy.deepcopy(data.draw(st.sampled_from(ODD)))
    members[name] = json.dumps(document).encode()
    before = estimate(target)
    reply = send(target, archives.rezip(members))
    tell("changed documents", {201: "accepted", 422: "refused"}[reply.status_code])
    if reply.status_code == 422:
        # A changed spec may no longer fit the arrays beside it.
        assert name.rpartition(".")[0] in reply.text
        return
    made = reply.json()
    try:
        used(target, made)
        for run in made["runs"]:
            stored = target.get(f"/runs/{run['id']}")["spec"]
            assert stored["probes"].keys() >= {"spectrum", "norms", "components"}
        assert estimate(target) == before
    finally:
        target.http.delete(f"/v1/experiments/{made['id']}")


def estimate(target):
    reply = target.http.post("/v1/experiments/estimate", json=PLAN)
    return reply.json()["cpu_seconds"], reply.json()["measured_runs"]


def test_defaults_that_are_newer_than_the_archive_are_filled_in(target, unpacked):
    for members in unpacked:
        older = dict(members)
        for name, content in members.items():
            if name.startswith("runs/") and name.endswith(".json"):
                document = json.loads(content)
                for probe in ("spectrum", "norms", "components", "mc_dropout"):
                    if document["spec"]["probes"].get(probe) is None:
                        document["spec"]["probes"].pop(probe, None)
                (document["summary"] or {}).get("provenance", {}).pop("licence", None)
                older[name] = json.dumps(document).encode()
        made = send(target, archives.rezip(older)).json()
        used(target, made)
        assert target.http.delete(f"/v1/experiments/{made['id']}").status_code == 204


def test_nothing_is_of_the_future(target, unpacked):
    members = dict(unpacked[0])
    document = json.loads(members["experiment.json"])
    document["created_at"] = "2199-01-01T00:00:00Z"
    members["experiment.json"] = json.dumps(document).encode()
    reply = send(target, archives.rezip(members))
    assert reply.status_code == 422
    assert "future" in reply.json()["detail"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("summary", "ece"), 7.0),
        (("summary", "ece"), -0.1),
        (("summary", "seconds"), 1e300),
        (("summary", "calibration", "ece_high"), 2.0),
        (("summary", "calibration", "ece_floor"), "much"),
        (("summary", "calibration", "ece_floor_high"), -0.5),
        (("summary", "final", "test_loss"), -1.0),
        (("summary", "final", "epoch"), 99_999),
        (("epoch",), 3),
        (("created_at",), 5),
        (("finished_at",), 1.7e9),
    ],
)
def test_numbers_that_cannot_be_are_refused(target, unpacked, path, value):
    members = next(dict(each) for each in unpacked if b'"calibration": {' in each["runs/0000.json"])
    document = json.loads(members["runs/0000.json"])
    node = document
    for part in path[:-1]:
        node = node[part]
    assert path[-1] in node
    node[path[-1]] = value
    members["runs/0000.json"] = json.dumps(document).encode()
    reply = send(target, archives.rezip(members))
    assert reply.status_code == 422
    assert ".".join(path) in json.dumps(reply.json())


def test_numbers_that_are_null_are_left_out_everywhere(target, unpacked):
    members = next(dict(each) for each in unpacked if b'"calibration": {' in each["runs/0000.json"])
    document = json.loads(members["runs/0000.json"])
    for name in set(document["summary"]) - {"final"}:
        document["summary"][name] = None
    members["runs/0000.json"] = json.dumps(document).encode()
    reply = send(target, archives.rezip(members))
    assert reply.status_code == 201, reply.text
    try:
        used(target, reply.json())
    finally:
        target.http.delete(f"/v1/experiments/{reply.json()['id']}")


@pytest.mark.parametrize("value", [None, "left out"])
def test_calibration_of_an_older_version_is_measured_again(target, unpacked, value):
    members = next(dict(each) for each in unpacked if b'"calibration": {' in each["runs/0000.json"])
    document = json.loads(members["runs/0000.json"])
    for name in ("ece_floor", "ece_floor_high"):
        document["summary"]["calibration"][name] = value
        if value is not None:
            del document["summary"]["calibration"][name]
    members["runs/0000.json"] = json.dumps(document).encode()
    reply = send(target, archives.rezip(members))
    assert reply.status_code == 201, reply.text
    try:
        used(target, reply.json())
    finally:
        target.http.delete(f"/v1/experiments/{reply.json()['id']}")


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("curves", "test_accuracy", 1e30),
        ("curves", "test_accuracy", np.inf),
        ("curves", "train_loss", -1.0),
        ("curves", "train_loss", np.nan),
        ("arrays", "boundary.p", 1e30),
        ("arrays", "boundary.p", -0.5),
    ],
)
def test_arrays_that_cannot_be_are_refused(target, unpacked, part, name, value):
    where = f"runs/0000.{part}.npz"
    members = next(dict(each) for each in unpacked if name.encode() in each[where])
    with np.load(io.BytesIO(members[where])) as stored:
        arrays = {each: stored[each].copy() for each in stored.files}
    arrays[name].flat[-1] = value
    members[where] = archives.npz({each: archives.npy(arrays[each]) for each in arrays})
    reply = send(target, archives.rezip(members))
    assert reply.status_code == 422
    assert name in reply.text


def test_a_run_that_kept_an_earlier_network_comes_back_as_it_was(target):
    early = {"patience": 2, "validation_size": 0.3}
    plan = {"training.epochs": 400, "regularization.early_stopping": early, "sweep": {}}
    made = target.finished({"preset": "l2", "overrides": plan})
    assert made["runs"][0]["summary"]["final"]["epoch"] < made["runs"][0]["epoch"]
    exported = target.http.get(f"/v1/experiments/{made['id']}/export").content
    target.http.delete(f"/v1/experiments/{made['id']}")
    back = send(target, exported)
    assert back.status_code == 201, back.text
    assert back.json()["runs"][0]["summary"] == made["runs"][0]["summary"]
    used(target, back.json())
    target.http.delete(f"/v1/experiments/{made['id']}")
