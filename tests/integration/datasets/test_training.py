"""Runs on uploaded tables and images: submitted, trained, asked for predictions."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits, load_iris

from reglab.core.datasets import uploaded
from reglab.core.engine.random_streams import stream
from reglab.core.spec import RunSpec
from reglab.core.tables import ReadOptions, read_table
from tests.harness.inline import Inline
from tests.harness.uploads import store

TRAINING = {
    "model": {"hidden": [16]},
    "optimizer": {"name": "adam", "schedule": {"lr": 0.01}},
    "training": {"epochs": 40, "batch_size": 16, "eval_every": 20},
}


@pytest.fixture
def inline(tmp_path, monkeypatch):
    monkeypatch.setenv("REGLAB_CACHE_DIR", str(tmp_path / "cache"))
    made = Inline(tmp_path)
    yield made
    made.storage.close()


def iris() -> pd.DataFrame:
    found = load_iris(as_frame=True)
    frame = found.data.copy()
    frame["garden"] = np.where(np.arange(len(frame)) % 3 == 0, "north", "south")
    frame.loc[::17, "petal width (cm)"] = np.nan
    frame["species"] = found.target_names[found.target]
    return frame


def csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False).encode()


def spec_of(identifier: str, **dataset) -> dict:
    return {"dataset": {"name": "uploaded", "id": identifier, **dataset}, **TRAINING}


def test_a_table_is_trained_on_and_asked_in_its_own_columns(inline):
    frame = iris()
    identifier = store(inline, csv(frame), "species")
    made = inline.finished(spec_of(identifier, missing="indicator"))
    run = made["runs"][0]
    assert run["state"] == "succeeded", run
    assert run["summary"]["final"]["test_accuracy"] > 0.85
    spec = RunSpec.model_validate(inline.get(f"/runs/{run['id']}")["spec"])
    # Four numbers, one flag, two levels.
    assert spec.widths() == [7, 16, 3]
    assert (spec.dataset.n_train, spec.dataset.n_test) == (120, 30)
    rows = frame.drop(columns="species").astype(object).where(frame.notna(), None)
    asked = {"rows": rows.to_dict("records")}
    reply = inline.http.post(f"/v1/runs/{run['id']}/predict", json=asked)
    assert reply.status_code == 200, reply.text
    classes = sorted(frame["species"].unique())
    assert reply.json()["classes"] == classes
    predicted = np.array(classes)[reply.json()["predicted"]]
    assert (predicted == frame["species"]).mean() > 0.85
    # The test rows among them are predicted as the run did.
    data = uploaded.load(spec.dataset, stream(0, "data"), read_table(csv(frame), ReadOptions()))
    _, test = uploaded.split(spec.dataset, _labels(frame), frame, stream(0, "data"))
    stored = inline.get(f"/runs/{run['id']}/predictions")
    assert stored["labels"] == _labels(frame)[test].tolist() == data.y_test.tolist()
    np.testing.assert_allclose(
        np.array(reply.json()["probabilities"])[test], stored["probabilities"], atol=1e-5
    )


def _labels(frame: pd.DataFrame) -> np.ndarray:
    return np.unique(frame["species"], return_inverse=True)[1]


@pytest.mark.parametrize(
    ("rows", "field"),
    [
        ([], "rows"),
        ([{"sepal length (cm)": 1}], "rows[0].sepal width (cm)"),
        ([{"age": 1}], "rows[0].age"),
    ],
)
def test_rows_that_do_not_fit_are_refused(inline, rows, field):
    made = inline.finished(spec_of(store(inline, csv(iris()), "species"), missing="median"))
    path = f"/v1/runs/{made['runs'][0]['id']}/predict"
    reply = inline.http.post(path, json={"rows": rows})
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["field"] == field
    numbers = inline.http.post(path, json={"inputs": [[1, 2, 3, 4]]})
    assert numbers.status_code == 422
    assert numbers.json()["errors"][0]["field"] == "inputs"


@pytest.mark.parametrize(
    ("dataset", "field", "part"),
    [
        ({}, "dataset.missing", "'petal width (cm)' (9)"),
        ({"missing": "median", "target": "garden"}, "dataset.target", "'species'"),
        ({"drop": ["petal width"]}, "dataset.drop", "Did you mean"),
        ({"missing": "median", "train_size": 121}, "dataset.train_size", "at most 120"),
        ({"missing": "median", "test": {"column": "garden"}}, "dataset.test.column", "'train'"),
        ({"missing": "median", "test": {"file": True}}, "dataset.test.file", "sets no test rows"),
        ({"missing": "median", "test": {}}, "dataset.test.size", "only one"),
        ({"missing": "median", "facts": {"rows": 3}}, "dataset.facts", "not those of the dataset"),
    ],
)
def test_what_does_not_fit_the_table_is_refused(inline, dataset, field, part):
    identifier = store(inline, csv(iris()), "species")
    reply = inline.http.post("/v1/experiments", json=spec_of(identifier, **dataset))
    assert reply.status_code == 422, reply.text
    found = reply.json()["errors"][0]
    assert found["field"] == field
    assert part in found["detail"] + found["remedy"]


def test_a_data_set_that_is_not_stored_is_refused(inline):
    reply = inline.http.post("/v1/experiments", json=spec_of("sha256:" + 64 * "0"))
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["field"] == "dataset.id"


def test_images_of_an_array_are_trained_on(inline):
    digits = load_digits()
    packed = io.BytesIO()
    np.savez(packed, X=digits.data[:400], y=digits.target[:400])
    identifier = store(inline, packed.getvalue())
    made = inline.finished(spec_of(identifier, test={"size": 0.25}))
    run = made["runs"][0]
    assert run["state"] == "succeeded", run
    assert run["summary"]["final"]["test_accuracy"] > 0.85
    reply = inline.http.post(
        f"/v1/runs/{run['id']}/predict", json={"inputs": digits.data[:400].tolist()}
    )
    assert (np.array(reply.json()["predicted"]) == digits.target[:400]).mean() > 0.9
    assert (
        inline.http.post(f"/v1/runs/{run['id']}/predict", json={"inputs": [[1.0, 2.0]]}).json()[
            "errors"
        ][0]["field"]
        == "inputs[0]"
    )


def test_a_sweep_over_the_rows_and_the_scaling_is_one_over_their_fields(inline):
    one = store(inline, csv(iris()), "species")
    sweep = {"dataset.scale": ["standard", None], "dataset.train_size": [60, None]}
    made = inline.finished(spec_of(one, missing="median") | {"sweep": sweep})
    assert [run["state"] for run in made["runs"]] == 4 * ["succeeded"]
    wrong = spec_of(one, missing="median") | {"sweep": {"dataset.id": [one, one]}}
    reply = inline.http.post("/v1/experiments", json=wrong)
    assert reply.json()["errors"][0]["field"] == "sweep.dataset.id"
    # One that is chosen by a sweep would have no facts.
    chosen = {"name": "uploaded", "id": one, "missing": "median"}
    wrong = {**TRAINING, "dataset": {"name": "digits"}, "sweep": {"dataset": [chosen]}}
    reply = inline.http.post("/v1/experiments", json=wrong)
    assert reply.status_code == 422, reply.text


def test_a_run_whose_data_are_gone_fails_and_says_so(inline):
    identifier = store(inline, csv(iris()), "species")
    made = inline.submit(spec_of(identifier, missing="median"))
    inline.storage.datasets.delete(identifier, force=True)
    inline.train_as_told()
    run = inline.get(f"/experiments/{made['id']}")["runs"][0]
    assert run["state"] == "failed"
    assert "not stored here" in run["error"]["detail"]
