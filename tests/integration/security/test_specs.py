"""Any spec is refused with a reason, or trains; a training that diverges says in which epoch."""

from __future__ import annotations

import math
import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.harness.fuzz import TALLY, inputs, tell
from tests.harness.inline import Inline
from tests.harness.uploads import store
from tests.integration.security.specs import TABLE, TABLE_ID, TARGET, experiments

# A busy machine included.
HANG_SECONDS = 120
RUN = {
    "dataset": {"name": "two_moons", "train_size": 20, "test_size": 20},
    "model": {"hidden": [4]},
    "optimizer": {"schedule": {"lr": 0.1}},
    "training": {"epochs": 5, "batch_size": 4},
}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("REGLAB_DOWNLOAD", "0")
    patch.setenv("REGLAB_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    made = Inline(tmp_path_factory.mktemp("specs"))
    assert store(made, TABLE.encode(), TARGET) == TABLE_ID
    yield made
    made.storage.close()
    patch.undo()


def tried(served, document, what="specs"):
    """Submit, train, read everything; returns what became of it."""
    reply = served.http.post("/v1/experiments?force=true", json=document)
    if reply.status_code == 422:
        for error in reply.json()["errors"]:
            assert error["detail"], error
            assert error["remedy"], error
        tell(what, "refused")
        return "refused"
    assert reply.status_code == 202, reply.text
    began = time.monotonic()
    (outcome,) = served.train_as_told()
    assert time.monotonic() - began < HANG_SECONDS
    made = served.get(f"/experiments/{reply.json()['id']}")
    run = made["runs"][0]
    if outcome == "diverged":
        assert run["state"] == "failed"
        assert re.search(r"epoch \d+", run["error"]["detail"]), run["error"]
        assert run["error"]["remedy"]
    else:
        assert outcome == "succeeded", (run["error"], document)
        final = served.get(f"/runs/{run['id']}")["summary"]["final"]
        assert all(math.isfinite(value) for value in final.values() if value is not None)
    readable(served, made)
    tell(what, outcome)
    return outcome


def readable(served, made):
    base = f"/v1/experiments/{made['id']}"
    run = f"/v1/runs/{made['runs'][0]['id']}"
    paths = [base, f"{base}/curves", f"{base}/ece", f"{base}/figures"]
    paths += [run, f"{run}/calibration", f"{run}/boundary", f"{run}/weights", f"{run}/spectrum"]
    for path in paths:
        assert served.http.get(path).status_code < 500, path
    assert served.http.delete(base).status_code == 204


def test_any_spec_is_refused_or_trains_and_most_train(served):
    @given(document=experiments())
    @inputs(40)
    def run(document):
        tried(served, document)

    run()
    found = TALLY["specs"]
    assert found["succeeded"] > 0.3 * sum(found.values())


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [*RUN, "seeds", "sweep", "name", "tags", "probes", "preset", "overrides"]
            )
            | st.text(max_size=8),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(document=ANYTHING, path=st.sampled_from(["", "/estimate"]))
@example({"sweep": {"": [1]}} | RUN, "")
@example({"sweep": {"training.": [1]}} | RUN, "")
@example({"sweep": {"training.epochs.x": [1]}} | RUN, "")
@example({"sweep": {"training": [{}]}} | RUN, "")
@example({"seeds": [2**63]} | RUN, "")
@example({"seeds": [10**400]} | RUN, "")
@example({"preset": "l2", "overrides": {"": {"": 1}}}, "")
@example({"preset": "l2", "overrides": {"sweep": 5}}, "")
@example({"preset": "l2", "overrides": {"training.epochs.deep": 5}}, "")
@example({"preset": [], "overrides": None}, "")
@inputs(40)
def test_any_json_is_answered(served, document, path):
    import json

    body = json.dumps(document).encode("utf-8")
    reply = served.http.post(
        f"/v1/experiments{path}", content=body, headers={"Content-Type": "application/json"}
    )
    assert reply.status_code in (200, 202, 400, 422), reply.text
    tell("JSON as specs", f"{reply.status_code // 100}xx")


EXTREMES = {
    "a rate of 100": {"optimizer.schedule.lr": 100.0},
    "the smallest rate": {"optimizer.schedule.lr": 5e-324},
    "a decay of 1000": {"regularization.l2": 1e3, "optimizer.schedule.lr": 1.0},
    "L1 of 1000": {"regularization.l1": 1e3},
    "proximal L1 of 1000": {"regularization.l1": 1e3, "regularization.l1_method": "proximal"},
    "nearly all dropped": {"regularization.dropout": 0.999999},
    "all smoothed": {"regularization.label_smoothing": 0.999999},
    "no noise": {"dataset.noise": 0.0},
    "much noise": {"dataset.noise": 5.0},
    "half flipped": {"dataset.label_flip": 0.5},
    "a batch larger than the data": {"training.batch_size": 60_000},
    "batches of one": {"training.batch_size": 1},
    "Adam with tiny eps": {"optimizer.name": "adam", "optimizer.eps": 5e-324},
    "Adam without memory": {"optimizer.name": "adam", "optimizer.beta1": 0, "optimizer.beta2": 0},
    "an hour-glass": {"model.hidden": [8, 1, 8, 1, 8, 1, 8, 1]},
    "no hidden layer": {"model.hidden": []},
    "relu and a rate of 100": {"model.activation": "relu", "optimizer.schedule.lr": 100.0},
    "a line and a rate of 100": {"model.activation": "identity", "optimizer.schedule.lr": 100.0},
    "a schedule that ends at once": {
        "optimizer.schedule.alpha": 10,
        "optimizer.schedule.tau": 1e-300,
    },
}


def laid_over(document, changes):
    document = {key: dict(value) for key, value in document.items()}
    for path, value in changes.items():
        *parents, leaf = path.split(".")
        node = document
        for parent in parents:
            node[parent] = dict(node.get(parent, {}))
            node = node[parent]
        node[leaf] = value
    return document


@pytest.mark.parametrize("kind", EXTREMES)
def test_extremes_train_or_diverge(served, kind):
    outcome = tried(served, laid_over(RUN, EXTREMES[kind]), "extreme specs")
    assert outcome != "refused"


def test_divergence_names_the_epoch(served):
    wild = laid_over(RUN, {"optimizer.schedule.lr": 100.0, "regularization.l2": 1000})
    made = served.submit(wild)
    assert served.train_as_told() == ["diverged"]
    run = served.get(f"/runs/{made['runs'][0]['id']}")
    assert run["state"] == "failed"
    assert re.search(r"diverged in epoch [1-5]:", run["error"]["detail"])
    assert run["error"]["field"] == "optimizer.schedule.lr"
    assert "smaller learning rate" in run["error"]["remedy"]
    # The same spec would diverge again.
    asked = served.http.get(f"/v1/runs/{run['id']}/arrays")
    [problem] = asked.json()["errors"]
    assert asked.status_code == 409
    assert "smaller learning rate" in problem["remedy"]
    assert "retry" not in problem["remedy"].lower()
