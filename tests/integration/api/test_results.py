"""Every table that the API gives, recomputed from the stored network by other means."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
from scipy.special import softmax
from sklearn.decomposition import PCA
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss

from reglab.api.routers import figures
from reglab.core import datasets
from reglab.core.engine.random_streams import stream
from reglab.core.spec import RunSpec, merge
from tests.harness.inline import SMALL
from tests.unit.engine import oracle

DIGITS = {
    "dataset": {"name": "digits", "train_size": 100, "test_size": 200},
    "model": {"hidden": [12]},
    "optimizer": {"name": "adam", "schedule": {"lr": 0.01}},
    "training": {"epochs": 8, "batch_size": 20, "eval_every": 2},
    "probes": {"spectrum": {"snapshots": 4}},
    "sweep": {"regularization.label_smoothing": [0, 0.1]},
    "seeds": [3],
}
DROPPED = merge(
    SMALL,
    {
        "regularization.dropout": 0.3,
        "probes.boundary": {"resolution": 9, "dropout_instances": 2},
        "sweep": {"regularization.l2": [0, 0.01]},
        "seeds": [0, 5],
    },
)


@pytest.fixture(scope="module")
def digits(trained):
    return trained.finished(DIGITS)


@pytest.fixture(scope="module")
def moons(trained):
    return trained.finished(DROPPED)


class Rebuilt:
    """A run's data and its float64 network, rebuilt from what the API gives."""

    def __init__(self, trained, run_id):
        document = trained.get(f"/runs/{run_id}")
        self.spec = RunSpec.model_validate(document["spec"])
        self.data = datasets.load(self.spec.dataset, stream(document["seed"], "data"))
        matrices = trained.get(f"/runs/{run_id}/weights")["matrices"]
        arrays = trained.storage.results.run(run_id).arrays
        self.layers = [
            [np.array(m["values"]), np.asarray(arrays[f"param.b{m['layer']}"], float)]
            for m in matrices
        ]

    def probabilities(self, x):
        outputs = oracle.forward(self.layers, np.asarray(x, float), self.spec.model.activation)
        return softmax(outputs[-1], axis=1)


@pytest.fixture(params=["digits", "moons"])
def case(request, trained):
    experiment = request.getfixturevalue(request.param)
    run = experiment["runs"][1]["id"]
    return experiment, run, Rebuilt(trained, run)


def test_finished_runs_tell_how_they_ended(case):
    experiment, _, _ = case
    assert experiment["state"] == "succeeded"
    assert experiment["progress"] == 1
    for run in experiment["runs"]:
        # 0 where the module has been here before, and its results were reused.
        assert run["attempt"] in (0, 1)
        assert run["summary"]["final"]["epoch"] == experiment["spec"]["training"]["epochs"]
        assert run["summary"]["provenance"]["source"]
        assert run["summary"]["made_by"]["packages"]["numpy"]
        if run["attempt"]:
            assert run["created_at"] <= run["started_at"] <= run["finished_at"]


def test_predictions_and_their_scores(trained, case):
    _, run_id, rebuilt = case
    body = trained.get(f"/runs/{run_id}/predictions")
    expected = rebuilt.probabilities(rebuilt.data.x_test)
    np.testing.assert_array_equal(body["labels"], rebuilt.data.y_test)
    np.testing.assert_allclose(body["probabilities"], expected, atol=2e-6)
    final = trained.get(f"/runs/{run_id}")["summary"]["final"]
    assert final["test_loss"] == pytest.approx(log_loss(body["labels"], expected), rel=1e-5)
    assert final["test_accuracy"] == accuracy_score(body["labels"], body["predicted"])
    train = rebuilt.probabilities(rebuilt.data.x_train)
    assert final["train_loss"] == pytest.approx(log_loss(rebuilt.data.y_train, train), rel=1e-5)


def test_calibration_is_the_definition_done_slowly(trained, case):
    _, run_id, rebuilt = case
    body = trained.get(f"/runs/{run_id}/calibration", bins=7)
    p = rebuilt.probabilities(rebuilt.data.x_test)
    confidence, right = p.max(axis=1), p.argmax(axis=1) == rebuilt.data.y_test
    ece = 0.0
    order = np.argsort(confidence, kind="stable")
    for row, members in zip(body["table"], np.array_split(order, 7), strict=True):
        conf, acc = confidence[members].mean(), right[members].mean()
        assert row["count"] == len(members)
        assert row["confidence"] == pytest.approx(conf, abs=1e-5)
        assert row["accuracy"] == pytest.approx(acc, abs=1e-9)
        assert row["gap"] == pytest.approx(conf - acc, abs=1e-5)
        ece += len(members) / len(p) * abs(conf - acc)
    assert body["ece"] == pytest.approx(ece, abs=1e-5)
    wrong = np.sort(confidence[~right])
    np.testing.assert_allclose(body["confidence_on_errors"]["confidence"], wrong, atol=1e-5)
    share = body["confidence_on_errors"]["share"]
    assert len(share) == len(wrong)
    assert share[-1] == 1


def test_ece_has_a_row_a_run_and_agrees_with_calibration(trained, digits):
    table = trained.get(f"/experiments/{digits['id']}/ece", bins=9, binning="uniform")
    assert [row["run_id"] for row in table["items"]] == [run["id"] for run in digits["runs"]]
    for row in table["items"]:
        one = trained.get(f"/runs/{row['run_id']}/calibration", bins=9, binning="uniform")
        assert row["ece"] == pytest.approx(one["ece"])
        assert row["mce"] == pytest.approx(one["mce"])
        for name in ("ece_low", "ece_high", "ece_floor", "ece_floor_high", "ece_above_floor"):
            assert row[name] == one[name]
        corp = trained.get(f"/runs/{row['run_id']}/corp")
        for name in ("smooth_ece", "miscalibration", "discrimination"):
            assert row[name] == corp[name]
        assert row["aurc"] == trained.get(f"/runs/{row['run_id']}/selective")["aurc"]
        confusion = trained.get(f"/runs/{row['run_id']}/confusion")
        assert row["macro_f1"] == confusion["macro_f1"]
        assert row["balanced_accuracy"] == confusion["balanced_accuracy"]
        for one_bin in one["table"]:
            assert one_bin["chance_low"] <= one_bin["confidence"] <= one_bin["chance_high"]
        predictions = trained.get(f"/runs/{row['run_id']}/predictions")
        assert row["nll"] == pytest.approx(
            log_loss(predictions["labels"], predictions["probabilities"])
        )


def test_answers_without_bins_are_those_of_the_predictions(trained, case):
    _, run_id, _ = case
    predictions = trained.get(f"/runs/{run_id}/predictions")
    p, labels = np.array(predictions["probabilities"]), np.array(predictions["labels"])
    confidence, right = p.max(axis=1), p.argmax(axis=1) == labels
    corp = trained.get(f"/runs/{run_id}/corp")
    assert sum(step["count"] for step in corp["steps"]) == len(labels)
    fitted = IsotonicRegression().fit(confidence, right).predict(confidence)
    wanted = np.mean((confidence - right) ** 2), np.mean((fitted - right) ** 2), right.var()
    parts = [corp[name] for name in ("miscalibration", "discrimination", "uncertainty")]
    assert corp["score"] == pytest.approx(wanted[0])
    assert parts == pytest.approx([wanted[0] - wanted[1], wanted[2] - wanted[1], wanted[2]])
    assert len({len(column) for column in corp["band"].values()}) == 1
    selective = trained.get(f"/runs/{run_id}/selective")
    assert selective["risk"][-1] == pytest.approx(1 - right.mean())
    assert selective["excess_aurc"] == pytest.approx(selective["aurc"] - selective["least_aurc"])
    confusion = trained.get(f"/runs/{run_id}/confusion")
    np.testing.assert_array_equal(
        confusion["matrix"], confusion_matrix(labels, p.argmax(axis=1), labels=range(p.shape[1]))
    )
    for row in confusion["classes"]:
        of_class = labels == row["label"]
        assert row["count"] == of_class.sum()
        if of_class.any():
            assert row["recall"] == pytest.approx(right[of_class].mean())
        assert (row["reason"] is None) == (
            row["recall"] is not None and row["precision"] is not None
        )


def test_curves_in_every_form_are_the_same(trained, moons):
    path = f"/experiments/{moons['id']}/curves"
    columns = trained.get(path)
    names = ["run_id", "epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy"]
    assert list(columns) == names
    assert columns["epoch"] == [0, 2, 4, 6] * 4
    ids = [run["id"] for run in moons["runs"]]
    assert columns["run_id"] == [run for run in ids for _ in range(4)]
    csv = trained.http.get(f"/v1{path}", params={"format": "csv"})
    assert csv.headers["content-type"].startswith("text/csv")
    assert pyarrow.csv.read_csv(io.BytesIO(csv.content)).to_pydict() == columns
    parquet = trained.http.get(f"/v1{path}", params={"format": "parquet"})
    assert pyarrow.parquet.read_table(io.BytesIO(parquet.content)).to_pydict() == columns
    for run, start in zip(moons["runs"], itertools.count(3, 4), strict=False):
        assert columns["test_loss"][start] == run["summary"]["final"]["test_loss"]


def test_curves_can_be_chosen_and_thinned(trained):
    made = trained.finished(merge(SMALL, {"training": {"epochs": 60, "eval_every": 1}}))
    path = f"/experiments/{made['id']}/curves"
    whole = trained.get(path, metrics="test_loss,step")
    assert list(whole) == ["run_id", "epoch", "test_loss", "step"]
    assert whole["step"][-1] == 60 * 5
    thin = trained.get(path, metrics="test_loss", max_points=12)
    assert len(thin["epoch"]) <= 12
    assert (thin["epoch"][0], thin["epoch"][-1]) == (0, 60)
    inner = whole["test_loss"][1:-1]
    assert {min(inner), max(inner)} <= set(thin["test_loss"])
    reply = trained.http.get(f"/v1{path}", params={"metrics": "loss"})
    assert reply.status_code == 422
    assert "test_loss" in reply.json()["errors"][0]["remedy"]


def test_boundary_is_the_network_and_dropout_seeds_differ(trained, moons):
    run_id = moons["runs"][0]["id"]
    rebuilt = Rebuilt(trained, run_id)
    body = trained.get(f"/runs/{run_id}/boundary")
    x, y, p = (np.array(body[name]) for name in ("x", "y", "probability"))
    for i, j in itertools.product(range(9), range(9)):
        assert p[i, j] == pytest.approx(rebuilt.probabilities([[x[j], y[i]]])[0, 1], abs=1e-5)
    np.testing.assert_allclose(body["points"], rebuilt.data.x_train)
    np.testing.assert_array_equal(body["labels"], rebuilt.data.y_train)
    one, again, two = (
        trained.get(f"/runs/{run_id}/boundary", dropout_seed=seed)["probability"]
        for seed in (1, 1, 2)
    )
    assert one == again
    assert one != two != body["probability"]


def test_one_dropout_network_is_a_masked_forward_pass(trained, moons):
    run_id = moons["runs"][0]["id"]
    rebuilt = Rebuilt(trained, run_id)
    rng = stream(4, "probe:dropout:0")
    masks = [(rng.random(width) >= 0.3) / 0.7 for width in (6, 5)]
    body = trained.get(f"/runs/{run_id}/boundary", dropout_seed=4)
    points = np.array([[x, y] for y in body["y"] for x in body["x"]])
    outputs = oracle.forward(rebuilt.layers, points, "tanh", masks)
    expected = softmax(outputs[-1], axis=1)[:, 1].reshape(9, 9)
    np.testing.assert_allclose(body["probability"], expected, atol=1e-5)


def test_weights_have_their_sparsity(trained, moons):
    run_id = moons["runs"][2]["id"]
    body = trained.get(f"/runs/{run_id}/weights", threshold=0.2)
    assert [m["shape"] for m in body["matrices"]] == [[2, 6], [6, 5], [5, 2]]
    for matrix in body["matrices"]:
        values = np.array(matrix["values"])
        assert matrix["sparsity"] == pytest.approx((abs(values) <= 0.2).mean())
        assert matrix["norm"] == pytest.approx(np.linalg.norm(values))
        assert matrix["largest"] == pytest.approx(abs(values).max())
    (only,) = trained.get(f"/runs/{run_id}/weights", layer=1)["matrices"]
    assert only["layer"] == 1
    reply = trained.http.get(f"/v1/runs/{run_id}/weights", params={"layer": 3})
    assert "0 to 2" in reply.json()["errors"][0]["remedy"]


def test_spectrum_is_that_of_scikit_learns_axes(trained, digits):
    run_id = digits["runs"][0]["id"]
    rebuilt = Rebuilt(trained, run_id)
    body = trained.get(f"/runs/{run_id}/spectrum")
    start = oracle.initial_layers(rebuilt.spec, 3)[0][0]
    pca = PCA().fit(rebuilt.data.x_train.astype(float))
    expected = ((pca.components_ @ (rebuilt.layers[0][0] - start)) ** 2).sum(axis=1)
    energy = np.array(body["energy"])
    assert body["epochs"][-1] == 8
    # Axes of (nearly) equal eigenvalues may be turned against each other; sums over many are not.
    np.testing.assert_allclose(energy[-1][:10], expected[:10], rtol=1e-3)
    assert energy[-1].sum() == pytest.approx(expected.sum(), rel=1e-4)
    np.testing.assert_allclose(
        body["cumulative"], np.cumsum(energy, axis=1) / energy.sum(1)[:, None]
    )
    np.testing.assert_allclose(body["isotropic"], np.arange(1, 65) / 64)


def test_predict_classifies_new_inputs(trained, moons):
    run_id = moons["runs"][0]["id"]
    inputs = [[0.5, 0.2], [1.5, -1.0], [-3.0, 2.0]]
    body = {"inputs": inputs, "dropout_samples": 50, "seed": 1}
    answer = trained.http.post(f"/v1/runs/{run_id}/predict", json=body).json()
    expected = Rebuilt(trained, run_id).probabilities(inputs)
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-5)
    assert answer["predicted"] == expected.argmax(axis=1).tolist()
    np.testing.assert_allclose(np.sum(answer["dropout_mean"], axis=1), 1)
    assert np.max(answer["dropout_std"]) > 0
    for wrong, field in (
        ({"inputs": [[1.0]]}, "inputs[0]"),
        ({"inputs": []}, "inputs"),
        ({"inputs": [["a", 1.0]]}, "inputs[0][0]"),
    ):
        reply = trained.http.post(f"/v1/runs/{run_id}/predict", json=wrong)
        assert reply.status_code == 422
        assert reply.json()["errors"][0]["field"] == field


def test_what_was_not_measured_is_said(trained, digits):
    run_id = digits["runs"][0]["id"]
    reply = trained.http.get(f"/v1/runs/{run_id}/boundary")
    assert reply.status_code == 404
    assert "probes.boundary" in reply.json()["detail"]
    reply = trained.http.post(
        f"/v1/runs/{run_id}/predict", json={"inputs": [[0.0] * 64], "dropout_samples": 3}
    )
    assert reply.json()["errors"][0]["field"] == "dropout_samples"


def test_a_run_that_diverges_fails_with_the_epoch_and_a_remedy(trained, monkeypatch):
    from reglab.worker import tasks

    wild = merge(SMALL, {"optimizer.schedule.lr": 100.0, "regularization.l2": 1000.0})
    made = trained.submit(merge(wild, {"model.activation": "relu"}))
    claim = trained.storage.runs.lease(made["runs"][0]["id"], "test")
    monkeypatch.setattr(tasks, "storage", lambda: trained.storage)
    assert tasks.execute(claim) == "failed"
    run = trained.get(f"/experiments/{made['id']}/runs")["items"][0]
    assert run["state"] == "failed"
    assert "epoch" in run["error"]["detail"]
    assert "learning rate" in run["error"]["remedy"]


@pytest.mark.parametrize("path", ["figures/boundaries.png", "figures/reliability.png"])
def test_a_figure_of_what_is_deleted_meanwhile_is_not_found(inline, monkeypatch, path):
    experiment = inline.finished(SMALL)
    read = figures.finished_runs

    def read_then_delete(*arguments):
        runs = read(*arguments)
        inline.storage.experiments.delete(experiment["id"])
        return runs

    monkeypatch.setattr(figures, "finished_runs", read_then_delete)
    reply = inline.http.get(f"/v1/experiments/{experiment['id']}/{path}")
    assert reply.status_code == 404
    assert "any more" in reply.json()["errors"][0]["detail"]
