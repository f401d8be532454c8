"""Probes on real networks: boundary, weights, spectrum, and their checkpoints."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.decomposition import PCA
from sklearn.metrics import log_loss

from reglab.core.engine import Trainer
from reglab.core.metrics import components
from reglab.core.metrics.weights import summarize
from reglab.core.probes import Recorder
from reglab.core.probes.spectrum import snapshot_epochs
from tests.harness.training import digits, moons, spec

PLANE = {
    "probes.boundary": {"resolution": 12, "dropout_instances": 2},
    "regularization.dropout": 0.3,
}
WAVES = {
    "dataset": {"name": "digits"},
    "training": {"epochs": 12, "eval_every": 2, "batch_size": 16},
    "probes.spectrum": {"snapshots": 4},
}


def record(wanted, data, trainer=None, recorder=None):
    trainer = trainer or Trainer(wanted, data, 1)
    recorder = recorder or Recorder(wanted, data, 1)
    for evaluation in trainer:
        recorder.observe(evaluation.epoch, trainer.network())
    return trainer, *recorder.finish(trainer.network())


def test_boundary_is_the_network_on_a_grid():
    trainer, arrays, _ = record(spec(PLANE), moons())
    x, y, p = (arrays[f"boundary.{name}"] for name in "xyp")
    assert p.shape == (12, 12)
    for i in (0, 5, 11):
        for j in (0, 7, 11):
            expected = trainer.network().probabilities(np.array([[x[j], y[i]]]))[0, 1]
            assert p[i, j] == pytest.approx(expected, abs=1e-6)
    points = moons().x_train
    np.testing.assert_allclose([x[0], x[-1]], [points[:, 0].min() - 0.5, points[:, 0].max() + 0.5])
    first, second = arrays["boundary.dropout"]
    assert not np.allclose(first, second)


@pytest.mark.parametrize(("count", "epochs"), [(0, []), (1, [0]), (2, [0, 3]), (9, [0, 1, 2, 3])])
def test_few_snapshots_are_the_start_and_the_end(count, epochs):
    probe = {"resolution": 8, "snapshots": count}
    _, arrays, _ = record(spec({**PLANE, "probes.boundary": probe}), moons())
    assert arrays.get("boundary.epochs", np.array([])).tolist() == epochs


def test_boundary_snapshots_are_the_network_at_those_epochs():
    wanted, data = spec({**PLANE, "probes.boundary": {"resolution": 9, "snapshots": 4}}), moons()
    trainer, recorder = Trainer(wanted, data, 1), Recorder(wanted, data, 1)
    middle, seen = (0.5 * (data.x_train.min(0) + data.x_train.max(0))).astype(np.float32), {}
    for evaluation in trainer:
        recorder.observe(evaluation.epoch, trainer.network())
        seen[evaluation.epoch] = trainer.network().probabilities(middle[None])[0, 1]
    arrays, _ = recorder.finish(trainer.network())
    epochs, snapshots = arrays["boundary.epochs"], arrays["boundary.snapshots"]
    assert epochs[0] == 0
    assert epochs[-1] == wanted.training.epochs
    assert len(epochs) <= 4
    assert snapshots.shape == (len(epochs), 9, 9)
    # The middle of the grid is the middle of the points.
    for epoch, snapshot in zip(epochs, snapshots, strict=True):
        assert snapshot[4, 4] == pytest.approx(seen[int(epoch)], abs=1e-5)
    np.testing.assert_array_equal(snapshots[-1], arrays["boundary.p"])


def test_what_a_run_stores_is_enough_to_rebuild_its_answers():
    data = moons()
    trainer, arrays, summary = record(spec(PLANE), data)
    np.testing.assert_array_equal(arrays["test.logits"], trainer.network().logits(data.x_test))
    np.testing.assert_array_equal(arrays["test.labels"], data.y_test)
    np.testing.assert_array_equal(arrays["train.points"], data.x_train)
    assert 0 <= summary["ece"] <= 1
    assert [row["shape"] for row in summary["weights"]] == [[2, 7], [7, 5], [5, 2]]


def test_sparsity_counts_small_entries():
    found = summarize(np.array([[0.0, 1e-4], [-0.5, 2.0]], np.float32), 1, 1e-3)
    assert found.sparsity == 0.5
    assert found.largest == 2.0
    assert found.norm == pytest.approx(np.sqrt(1e-8 + 0.25 + 4))


def test_axes_are_those_of_scikit_learn():
    x = digits(200).x_train
    values, axes = components.principal_axes(x)
    pca = PCA().fit(x.astype(float))
    np.testing.assert_allclose(values, pca.explained_variance_, atol=1e-9)
    for k in range(20):
        assert abs(axes[:, k] @ pca.components_[k]) == pytest.approx(1, abs=1e-6)


def test_energies_sum_to_the_squared_change():
    trainer, arrays, _ = record(spec(WAVES), digits())
    start = Trainer(spec(WAVES), digits(), 1).network().weights[0]
    change = trainer.network().weights[0].astype(float) - start
    energy = arrays["spectrum.energy"]
    assert arrays["spectrum.epochs"][-1] == 12
    assert energy[-1].sum() == pytest.approx(np.sum(change**2), rel=1e-5)
    _, axes = components.principal_axes(digits().x_train)
    slow = sum((change[:, unit] @ axes[:, 3]) ** 2 for unit in range(change.shape[1]))
    assert energy[-1, 3] == pytest.approx(slow, rel=1e-5)
    np.testing.assert_allclose(components.cumulative(energy)[:, -1], 1)


def test_parts_are_tested_with_the_change_along_some_axes_only():
    wanted = spec(WAVES | {"probes.spectrum": {"snapshots": 4, "parts": 5}})
    trainer, arrays, _ = record(wanted, digits())
    network, data = trainer.network(), digits()
    start = Trainer(wanted, data, 1).network().weights[0]
    change = network.weights[0].astype(float) - start
    axes = PCA(5).fit(data.x_train.astype(float)).components_.T
    leading = axes @ axes.T @ change
    assert arrays["spectrum.parts"].shape == (len(arrays["spectrum.epochs"]), 2, 2)
    for row, kept in enumerate((leading, change - leading)):
        logits = data.x_test @ (start + kept) + network.biases[0]
        for weight, bias in zip(network.weights[1:], network.biases[1:], strict=True):
            logits = np.tanh(logits) @ weight + bias
        loss = log_loss(data.y_test, softmax(logits, axis=1), labels=range(10))
        assert arrays["spectrum.parts"][-1, row, 0] == pytest.approx(loss, rel=1e-4)
        right = np.mean(logits.argmax(axis=1) == data.y_test)
        assert arrays["spectrum.parts"][-1, row, 1] == pytest.approx(right, abs=2e-3)


def test_parts_of_all_components_are_the_whole_change_and_none():
    wanted = spec(WAVES | {"probes.spectrum": {"snapshots": 4, "parts": 64}})
    _, arrays, _ = record(wanted, digits())
    last = list(Trainer(wanted, digits(), 1))[-1]
    assert arrays["spectrum.parts"][-1, 0, 0] == pytest.approx(last.test_loss, rel=1e-4)


def test_isotropic_change_has_the_reference_share():
    _, axes = components.principal_axes(digits().x_train)
    change = np.random.default_rng(0).normal(size=(64, 4000))
    share = components.cumulative(components.energies(change, axes))
    np.testing.assert_allclose(share, np.arange(1, 65) / 64, atol=0.01)


def test_snapshots_are_evaluated_epochs_spread_in_logarithm():
    epochs = snapshot_epochs(1000, 5, 24)
    assert epochs[0] == 5
    assert epochs[-1] == 1000
    assert all(epoch % 5 == 0 for epoch in epochs)
    assert len(epochs) <= 24
    assert snapshot_epochs(3, 5, 4) == [3]


SNAPSHOTS = {**PLANE, "probes.boundary": {"resolution": 8, "snapshots": 5}}


@pytest.mark.parametrize(
    ("changes", "load"), [(WAVES, digits), ({**SNAPSHOTS, "training.epochs": 12}, moons)]
)
def test_a_recorder_goes_on_from_its_state(changes, load):
    wanted, data = spec(changes), load()
    _, expected, _ = record(wanted, data)
    trainer, recorder = Trainer(wanted, data, 1), Recorder(wanted, data, 1)
    for evaluation in trainer:
        recorder.observe(evaluation.epoch, trainer.network())
        if evaluation.epoch == 6:
            break
    again = Recorder(wanted, data, 1)
    again.restore(recorder.state())
    resumed = Trainer(wanted, data, 1, trainer.checkpoint())
    _, arrays, _ = record(wanted, data, resumed, again)
    assert arrays.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(arrays[name], array)
