"""Every refusal of a body names a field that is in the body or in the schema, and none is a 500."""

from __future__ import annotations

import copy
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reglab.core.spec import DATASETS, ExperimentSpec, fields
from tests.harness.fuzz import inputs, tell
from tests.harness.inline import Inline
from tests.integration.security.specs import documents

MOONS = {
    "dataset": {"name": "two_moons", "train_size": 50, "test_size": 200},
    "model": {"hidden": [8]},
    "optimizer": {"schedule": {"lr": 0.1}},
    "training": {"epochs": 5, "batch_size": 32},
}
JUNK = st.sampled_from(
    [None, True, -1, 0, 1e300, "", "x", "mnist", [], [0, 0.5], {}, {"name": "shift"}, {"name": 3}]
)
NAMES = st.sampled_from(
    [
        *DATASETS,
        "shift",
        "mixup",
        "name",
        "l2",
        "sweep",
        "seeds",
        "lr",
        "",
        "a.b",
        "[0]",
        "\u2028",
    ]
)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    made = Inline(tmp_path_factory.mktemp("refusals"))
    yield made
    made.storage.close()


def objects(document, found):
    if isinstance(document, dict):
        found.append(document)
        for child in document.values():
            objects(child, found)
    return found


@st.composite
def broken(draw):
    """A document that is mostly right, with one to three things changed, added or taken away."""
    drawn = documents(ExperimentSpec, without=("seeds", "sweep", "tags", "name"))
    document = copy.deepcopy(draw(st.just(MOONS) | drawn))
    document.update(draw(st.sampled_from([{}, {"sweep": {"regularization.l2": [0, 1]}}])))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(range(len(objects(document, [])))))
        node = objects(document, [])[place]
        match draw(st.integers(0, 2)) if node else 1:
            case 0:
                node[draw(st.sampled_from(sorted(node)))] = copy.deepcopy(draw(JUNK))
            case 1:
                node[draw(NAMES)] = copy.deepcopy(draw(JUNK))
            case 2:
                del node[draw(st.sampled_from(sorted(node)))]
    return document


def is_known(path, document):
    """Whether a path leads into the body or the schema, part by part."""
    if path in ("body", "preset", "overrides", "sweep") or path.startswith("sweep."):
        return True
    text, body, schema = path, [document], [fields.schema(ExperimentSpec)]
    while text:
        found = [
            key for node in body if isinstance(node, dict) for key in node if begins(text, key)
        ]
        found += [key for node in schema for key in node.get("properties", {}) if begins(text, key)]
        at = re.match(r"\[(\d+)\]\.?", text)
        if found:
            key = max(found, key=len)
            body = [node[key] for node in body if isinstance(node, dict) and key in node]
            schema = [
                child for node in schema for child in fields.children(node, key, ExperimentSpec)
            ]
            text = text[len(key) :].removeprefix(".")
        elif at:
            body = [node[int(at[1])] for node in body if isinstance(node, list)]
            text = text[at.end() :]
        else:
            return False
        if not key_ends(text):
            return False
    return True


def begins(text, key):
    rest = text.removeprefix(key)
    return text.startswith(key) and (not rest or rest[0] in ".[")


def key_ends(text):
    return not text.startswith(".")


def refused(served, body, document):
    reply = served.http.post("/v1/experiments/estimate", json=body)
    assert reply.status_code in (200, 400, 422), reply.text
    tell("broken specs", reply.status_code)
    if reply.status_code == 422:
        for error in reply.json()["errors"]:
            assert error["field"], error
            assert is_known(error["field"], document), error
            assert error["remedy"], error
            assert not re.search(r"\bTrue\b|\bFalse\b|\bNone\b|\{'|='", error["detail"]), error
    return reply


@given(document=broken())
@example(document=MOONS | {"mnist": {}})
@example(document=MOONS | {"shift": True})
@inputs(400)
def test_every_refusal_names_a_field(served, document):
    refused(served, document, document)


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"mnist": {}}, "mnist", 'write "dataset": {"name": "mnist"}'),
        ({"shift": True}, "shift", '"regularization.augmentation": {"name": "shift"}'),
        ({"regularization": {"mixup": 0.2}}, "regularization.mixup", "is an augmentation: write"),
        (
            {"regularization": {"early_stopping": {"validation_size": 49}}},
            "regularization.early_stopping.validation_size",
            "49 of the 50",
        ),
        ({"regularization": {"augmentation": "shift"}}, "regularization.augmentation", "images"),
        ({"dataset": {"name": "digits"}, "probes": {"boundary": {}}}, "probes.boundary", "plane"),
        ({"model": {"hidden": [8, 0]}}, "model.hidden[1]", "from 1 to 4096"),
        ({"seeds": [1, 2, 1]}, "seeds[2]", "seeds[0]"),
        ({"tags": [""]}, "tags[0]", "from 1 to 64"),
        ({"model": {"hidden": []}, "regularization": {"dropout": 0.5}},
         "regularization.dropout", "hidden layer"),
        ({"regularization": {"l2": 0.05}, "sweep": {"regularization.l2": [0, 1]}},
         "regularization.l2", "sweep.regularization.l2"),
        ({"sweep": {"dataset.train_size": [50, 100]},
          "regularization": {"early_stopping": {"validation_size": 48}}}, None, ""),
        ({"sweep": {"dataset.train_size": [50, 20]},
          "regularization": {"early_stopping": {"validation_size": 30}}},
         "sweep.dataset.train_size[1]", "30 of the 20"),
    ],
)  # fmt: skip
def test_faults_between_fields_name_one(served, changes, field, says):
    body = MOONS | changes
    reply = refused(served, body, body)
    if field is None:
        assert reply.status_code == 200
        return
    found = {
        error["field"]: f"{error['detail']} {error['remedy']}" for error in reply.json()["errors"]
    }
    assert says in found[field]


def test_a_preset_on_another_dataset_names_what_does_not_fit(served):
    body = {"preset": "l2", "overrides": {"dataset.name": "digits"}}
    (error,) = refused(served, body, {}).json()["errors"]
    assert error["field"] == "probes.boundary"
    body["overrides"]["probes.boundary"] = None
    told = refused(served, body, {}).json()["dropped"]
    assert told == ["dataset.label_flip", "dataset.noise", "dataset.train_size"]


@pytest.mark.parametrize("path", ["/v1/experiments", "/v1/experiments/estimate", "/v1/tokens"])
def test_a_key_given_twice_is_422_on_every_route(served, path):
    content = b'{"preset": "l2", "overrides": {"training.epochs": 1, "training.epochs": 2}}'
    reply = served.http.post(path, content=content, headers={"Content-Type": "application/json"})
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["field"] == "training.epochs"
