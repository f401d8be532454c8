"""Both clients against a live server: every operation, compared with what plain HTTP gives."""

from __future__ import annotations

import httpx
import numpy as np
import pandas as pd
import polars as pl
import pytest

from reglab.client import (
    Client,
    ClientError,
    ConflictError,
    ExperimentFailedError,
    ExperimentSpec,
    InvalidRequestError,
    NotFoundError,
    WaitTimeoutError,
)
from tests.integration.client.conftest import SMALL


@pytest.fixture
def plain(server, finished):
    """GET below the finished experiment, without our client."""

    def get(path: str = "", **query):
        reply = httpx.get(f"{server}/v1/experiments/{finished}{path}", params=query)
        reply.raise_for_status()
        return reply.json()

    return get


@pytest.fixture
def experiment(client, resolve, finished):
    return resolve(client.get(finished))


def test_submit_and_wait(client, resolve):
    made = resolve(client.submit(SMALL, {"training.epochs": 2, "name": "from a document"}))
    assert resolve(made.wait(timeout=240, progress=False)) is made
    assert made.state == "succeeded"
    assert [run.state for run in made.runs] == ["succeeded"] * 2
    assert made.spec.training.epochs == 2


def test_submit_takes_models_files_and_presets(client, resolve, tmp_path):
    spec = ExperimentSpec.model_validate(SMALL)
    from_model = resolve(client.submit(spec, {"training.epochs": 1}))
    assert from_model.spec == spec.model_copy(
        update={"training": spec.training.model_copy(update={"epochs": 1})}
    )
    file = tmp_path / "spec.json"
    file.write_text(spec.model_dump_json())
    assert resolve(client.submit(file)).spec == spec
    changes = {"training.epochs": 1, "sweep": {}, "seeds": [3, 4]}
    preset = resolve(client.submit("l2", changes))
    assert preset.preset == "l2"
    assert [run.seed for run in preset.runs] == [3, 4]
    resolve(client.wait(from_model, preset, timeout=240, progress=False))
    assert (from_model.state, preset.state) == ("succeeded", "succeeded")


def test_one_key_makes_one_experiment(client, resolve):
    first = resolve(
        client.submit(SMALL, key=(key := f"key-{np.random.default_rng().integers(2**60)}"))
    )
    again = resolve(client.submit(SMALL, key=key))
    other = resolve(client.submit(SMALL))
    assert first.id == again.id != other.id
    with pytest.raises(ConflictError) as caught:
        resolve(client.submit({**SMALL, "name": "another"}, key=key))
    assert caught.value.field == "Idempotency-Key"


def test_refusal_names_field_and_remedy(client, resolve):
    with pytest.raises(InvalidRequestError) as caught:
        resolve(client.submit({**SMALL, "optimiser": {}}))
    error = caught.value
    assert (error.status, error.field) == (422, "optimiser")
    assert "optimizer" in error.remedy
    assert error.request_id
    fields = {item.field for item in error.errors}
    assert fields == {"optimiser"}


def test_unknown_things_are_not_found(client, resolve):
    unknown = "01a20e8c-cfe5-759a-82b0-fdfa1ca8176f"
    for call in (client.get, client.run):
        with pytest.raises(NotFoundError):
            resolve(call(unknown))
    with pytest.raises(ClientError, match="no id"):
        resolve(client.get(3))


def test_curves_are_the_servers(experiment, resolve, plain):
    wanted = plain("/curves")
    curves = resolve(experiment.curves())
    for name, values in wanted.items():
        assert curves.to_dict()[name] == values
    frame = curves.to_pandas()
    assert isinstance(frame, pd.DataFrame)
    assert set(frame["regularization.l2"]) == {0, 0.01}
    assert frame.groupby("run")["epoch"].apply(list).tolist() == [[0, 3, 6, 9, 12]] * 2
    polars = curves.to_polars()
    assert isinstance(polars, pl.DataFrame)
    assert polars["test_loss"].to_list() == wanted["test_loss"]
    arrays = curves.arrays()
    np.testing.assert_array_equal(arrays["train_loss"], wanted["train_loss"])
    assert curves.of_run(1)["epoch"] == (0, 3, 6, 9, 12)
    few = resolve(experiment.curves(["test_loss"], max_points=4))
    assert few.metrics() == ["test_loss"]
    assert few.height < curves.height
    assert "<table>" in curves._repr_html_()


def test_ece_is_the_servers(experiment, resolve, plain):
    wanted = plain("/ece", binning="uniform", bins=5)["items"]
    table = resolve(experiment.ece("uniform", 5))
    assert (table.binning, table.bins) == ("uniform", 5)
    assert table.to_pandas()["ece"].tolist() == [row["ece"] for row in wanted]
    assert table["regularization.l2"] == (0, 0.01)
    low, high = table["ece_low"][0], table["ece_high"][0]
    assert low < high


def test_measures_of_a_run(experiment, resolve):
    run = experiment.runs[1]
    calibration = resolve(run.calibration(bins=4))
    assert sum(row.count for row in calibration.table) == 60
    assert calibration.to_pandas()["gap"].tolist() == [row.gap for row in calibration.table]
    assert calibration.ece_low <= calibration.ece <= calibration.ece_high
    corp = resolve(run.corp())
    assert sum(step.count for step in corp.steps) == 60
    assert corp.to_pandas()["accuracy"].is_monotonic_increasing
    assert set(corp.band.arrays()) == {"confidence", "low", "high"}
    risks = resolve(run.selective()).arrays()
    confusion = resolve(run.confusion())
    assert confusion.array().sum() == 60
    assert confusion.to_pandas()["count"].tolist() == confusion.array().sum(axis=1).tolist()
    assert risks["risk"][-1] == pytest.approx(1 - confusion.accuracy)
    boundary = resolve(run.boundary()).arrays()
    assert boundary["probability"].shape == (10, 10)
    assert boundary["points"].shape == (40, 2)
    with_dropout = resolve(run.boundary(dropout_seed=1)).arrays()
    assert not np.allclose(with_dropout["probability"], boundary["probability"])
    weights = resolve(run.weights())
    assert [a.shape for a in weights.arrays().values()] == [(2, 8), (8, 2)]
    assert weights.matrices[0].norm == pytest.approx(np.linalg.norm(weights.arrays()["W0"]))
    assert resolve(run.weights(layer=1)).matrices[0].layer == 1
    spectrum = resolve(run.spectrum()).arrays()
    assert spectrum["energy"].shape == (len(spectrum["epochs"]), 2)
    predictions = resolve(run.predictions()).arrays()
    accuracy = np.mean(predictions["predicted"] == predictions["labels"])
    assert accuracy == pytest.approx(run.summary["final"]["test_accuracy"])
    resolve(run.refresh())
    assert resolve(run.spec()).regularization.l2 == 0.01


def test_stored_arrays(experiment, resolve):
    run = experiment.runs[0]
    rows = resolve(run.arrays())
    assert {"param.W0", "param.b0"} <= {row.name for row in rows}
    for row in rows:
        values = resolve(run.array(row.name))
        assert (values.dtype.str, list(values.shape)) == (row.dtype, row.shape)
    weights = resolve(run.weights()).matrices[0].array()
    np.testing.assert_array_equal(resolve(run.array("param.W0")), weights)
    with pytest.raises(NotFoundError, match=r"param\.W0"):
        resolve(run.array("param.W9"))


def test_predict_agrees_with_the_boundary(experiment, resolve):
    run = experiment.runs[0]
    boundary = resolve(run.boundary())
    points = np.array([[boundary.x[2], boundary.y[7]], [boundary.x[9], boundary.y[0]]])
    found = resolve(run.predict(points, dropout_samples=5, seed=2))
    wanted = [boundary.probability[7][2], boundary.probability[0][9]]
    np.testing.assert_allclose(found.arrays()["probabilities"][:, 1], wanted, atol=1e-5)
    assert found.arrays()["dropout_std"].shape == (2, 2)


def test_figures(experiment, resolve, tmp_path):
    named = {info.name: info for info in resolve(experiment.figures())}
    assert named["curves"].available
    assert named["fig09-early-stopping"].reason
    png = resolve(experiment.figure("curves", dpi=60))
    assert png._repr_png_().startswith(b"\x89PNG")
    assert png._repr_svg_() is None
    assert png.save(tmp_path).read_bytes() == png.content
    svg = resolve(experiment.figure("curves", "svg", theme="dark"))
    assert "<svg" in svg._repr_svg_()
    assert svg.save(tmp_path / "new" / "c.svg").read_bytes() == svg.content
    both = resolve(experiment.figure("boundaries", others=[experiment]))
    assert both.content
    with pytest.raises(ClientError, match="no format"):
        resolve(experiment.figure("curves", "bmp"))
    with pytest.raises(NotFoundError):
        resolve(experiment.figure("nonsense"))


def test_list_follows_pages(client, resolve, server, monkeypatch):
    for at in range(5):
        resolve(client.submit(SMALL, {"training.epochs": 1, "tags": ["paged"], "name": f"p{at}"}))
    monkeypatch.setattr("reglab.client.flows.PAGE", 2)
    names = [item.name for item in resolve(client.list(tag="paged", limit=5))]
    assert names == ["p4", "p3", "p2", "p1", "p0"]
    assert len(resolve(client.list(tag="paged", limit=3))) == 3
    first = resolve(client.list(tag="paged", q="p1"))[0]
    assert resolve(client.get(first)).name == "p1"


def test_change_cancel_retry_delete(client, resolve):
    long = resolve(client.submit(SMALL, {"training.epochs": 900_000, "training.eval_every": 1000}))
    resolve(long.change(name="renamed", tags=["a", "b"]))
    assert (long.name, long.tags) == ("renamed", ("a", "b"))
    with pytest.raises(WaitTimeoutError, match="renamed"):
        resolve(long.wait(timeout=0.3, progress=False))
    resolve(long.cancel())
    with pytest.raises(ExperimentFailedError) as caught:
        resolve(long.wait(timeout=240, progress=False))
    assert (caught.value.state, caught.value.experiment_id) == ("cancelled", long.id)
    assert resolve(long.wait(check=False)).state == "cancelled"
    resolve(long.retry())
    assert long.state in ("queued", "running")
    resolve(long.cancel())
    resolve(long.wait(timeout=240, check=False))
    with pytest.raises(ConflictError):
        resolve(long.cancel())
    resolve(long.delete())
    with pytest.raises(NotFoundError):
        resolve(long.refresh())


def test_compare(client, resolve, finished, plain):
    other = resolve(client.submit(SMALL, {"optimizer.schedule.lr": 0.1, "name": "fast"}))
    resolve(other.wait(timeout=240, progress=False))
    table = resolve(client.compare(finished, other))
    assert table.differences == {"optimizer.schedule.lr": [0.02, 0.1]}
    assert table["experiment"] == ("small moons",) * 2 + ("fast",) * 2
    assert table["ece"][:2] == tuple(row["ece"] for row in plain("/ece")["items"])
    losses = [run["summary"]["final"]["test_loss"] for run in plain()["runs"]]
    assert list(table["test_loss"][:2]) == losses


@pytest.fixture(scope="module")
def seeded(server):
    """Two sweep points with four seeds each."""
    with Client(server) as client:
        made = client.submit(SMALL, {"seeds": [0, 1, 2, 3], "name": "four_seeds & more"})
        return made.wait(timeout=240, progress=False).id


def test_arms(client, resolve, seeded, server):
    first, second = f"{seeded}:0", f"{seeded}:4"
    table = resolve(client.compare(first, second, baseline=first, metric="test_loss"))
    query = {"ids": f"{first},{second}", "baseline": first, "metric": "test_loss"}
    plain = httpx.get(f"{server}/v1/compare", params=query).json()
    (row,), (expected,) = table.rows(), plain["comparisons"]
    for name in ("difference", "low", "high", "p_value", "p_adjusted", "decision", "text"):
        assert row[name] == expected[name]
    assert (row["a"], row["b"]) == tuple(arm["label"] for arm in plain["arms"])
    assert table.arms["mean"] == tuple(arm["mean"] for arm in plain["arms"])
    assert table.arms["regularization.l2"] == (0, 0.01)
    assert (table.varied, table.ranks) == (plain["varied"], plain["ranks"])
    frame = table.to_pandas()
    assert list(frame["difference"]) == [expected["difference"]]
    text = table.to_latex()
    assert text.count(r"\toprule") == 2
    assert r"four\_seeds \& more" in text
    assert r"\ensuremath{\lambda}" in text
    assert "<table>" in table._repr_html_()
    every = resolve(client.compare(seeded, metric="test_loss", adjust="tukey", margin=5))
    assert every["decision"] == ("equivalent",)
    with pytest.raises(InvalidRequestError) as refused:
        resolve(client.compare(seeded, metric="accuracy"))
    assert refused.value.errors[0].field == "metric"


def test_runs_as_latex(client, resolve, finished):
    table = resolve(client.compare(finished))
    assert table.arms.height == 0
    assert table.to_latex().count("small moons") == table.height


def test_catalog(client, resolve):
    assert [preset.name for preset in resolve(client.presets())][:3] == ["augmentation", "l2", "l1"]
    assert {row.name for row in resolve(client.datasets())} >= {"two_moons", "digits"}
    assert resolve(client.schema())["title"] == "ExperimentSpec"
    assert resolve(client.health()).status == "ok"
    assert resolve(client.readiness()).database == "ok"
