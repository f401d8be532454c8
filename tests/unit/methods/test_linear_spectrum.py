"""Error by principal component against torch, float64 descent and the closed form."""

from __future__ import annotations

import numpy as np
import pytest

from reglab.core import datasets
from reglab.core.claims.laws import closed_form, deviation, follows_closed_form
from reglab.core.engine import Trainer
from reglab.core.engine.random_streams import stream
from reglab.core.errors import SpecError
from reglab.core.figures import REGISTRY, Style, render
from reglab.core.presets import build
from reglab.core.probes import Recorder
from reglab.core.spec import expand
from tests.harness.training import finish, small

SMALL = {
    "dataset": {"name": "digits", "train_size": 120, "test_size": 100, "centred": True},
    "optimizer.schedule.lr": 0.3,
    "training": {"epochs": 60, "batch_size": 120, "eval_every": 1},
    "probes.components": {"snapshots": 20},
    "seeds": [0],
}


@pytest.fixture(scope="module")
def linear():
    (run,) = small("linear-spectrum", SMALL)
    return run


def data_of(run):
    return datasets.load(run.spec.dataset, stream(run.seed, "data"))


def test_centred_inputs_have_the_training_mean_taken_off(linear):
    data = data_of(linear)
    plain = linear.spec.dataset.model_copy(update={"centred": False})
    raw = datasets.load(plain, stream(linear.seed, "data"))
    np.testing.assert_allclose(data.x_train.mean(axis=0), 0, atol=1e-6)
    mean = raw.x_train.mean(axis=0)
    np.testing.assert_allclose(data.x_test, raw.x_test - mean, atol=1e-6)


def test_errors_are_those_of_torch_along_numpys_components(linear):
    torch = pytest.importorskip("torch")
    data = data_of(linear)
    start = Trainer(linear.spec, data, linear.seed).network()
    layer = torch.nn.Linear(64, 10, dtype=torch.float64)
    layer.weight.data = torch.from_numpy(start.weights[0].T.astype(float).copy())
    layer.bias.data.zero_()
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.3)
    x, y = torch.from_numpy(data.x_train.astype(float)), np.eye(10)[data.y_train]
    values, axes = np.linalg.eigh(np.cov(data.x_train.T.astype(float), bias=True))
    values, axes = values[::-1], axes[:, ::-1]
    kept = values > 1e-8
    found = dict(
        zip(linear.arrays["components.epochs"], linear.arrays["components.error"], strict=True)
    )
    np.testing.assert_allclose(
        linear.arrays["components.eigenvalues"][: kept.sum()], values[kept], rtol=1e-4, atol=1e-9
    )
    for step in range(61):
        outputs = layer(x)
        if step in found:
            residual = outputs.detach().numpy() - y
            scores = data.x_train.astype(float) @ axes[:, kept]
            scores /= np.linalg.norm(scores, axis=0)
            expected = np.linalg.norm(scores.T @ residual, axis=1) / np.sqrt(120)
            np.testing.assert_allclose(found[step][: kept.sum()], expected, atol=2e-5)
        loss = ((outputs - torch.from_numpy(y)) ** 2).sum(dim=1).mean() / 2
        if step == 60:
            assert linear.curves["train_loss"][-1] == pytest.approx(loss.item(), rel=1e-5)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def test_errors_follow_the_closed_form(linear):
    assert follows_closed_form(linear)
    expected = closed_form(linear)
    # The law is not trivial: some components are learned, others are not begun.
    assert (expected[-1] < 0.05 * expected[0]).any()
    assert (expected[-1] > 0.95 * expected[0]).any()
    assert deviation(linear) < 2e-3


@pytest.mark.parametrize(
    "change",
    [
        {"dataset": SMALL["dataset"] | {"centred": False}},
        {"training": SMALL["training"] | {"batch_size": 40}},
        {"optimizer.schedule.alpha": 0.5},
        {"regularization.l2": 0.2},
        {"model.hidden": [8]},
    ],
)
def test_the_law_is_claimed_for_no_other_run_and_would_fail(change):
    (run,) = small("linear-spectrum", SMALL | change)
    assert not follows_closed_form(run)
    assert deviation(run) > 0.02
    assert "linear model" in REGISTRY["linear-spectrum"].reason([run])


def test_probe_goes_on_from_a_checkpoint(linear):
    data = data_of(linear)
    first, recorder = Trainer(linear.spec, data, 0), Recorder(linear.spec, data, 0)
    saved = []
    first.on_epoch = lambda epoch: (
        epoch == 7
        and saved.append((first.checkpoint(), {k: v.copy() for k, v in recorder.state().items()}))
    )
    for evaluation in first:
        recorder.observe(evaluation.epoch, first.network())
    checkpoint, state = saved[0]
    again, later = Trainer(linear.spec, data, 0, checkpoint), Recorder(linear.spec, data, 0)
    later.restore(state)
    for evaluation in again:
        later.observe(evaluation.epoch, again.network())
    arrays, _ = later.finish(again.network())
    for name in ("components.epochs", "components.error"):
        np.testing.assert_array_equal(arrays[name], linear.arrays[name])


def test_figure_and_caption(linear):
    figure = REGISTRY["linear-spectrum"]
    assert figure.reason([linear]) is None
    assert f"is left: {deviation(linear):.2%}" in figure.caption(figure.measure([linear]))
    assert render(figure, figure.measure([linear]), Style()).startswith(b"\x89PNG")


def test_components_need_squared_loss():
    changes = {"model.loss": "cross_entropy"}
    with pytest.raises(SpecError, match=r"probes\.components: It needs squared loss"):
        expand(build("linear-spectrum", changes))


def test_squared_loss_is_reported_as_such():
    run = expand(build("linear-spectrum", SMALL | {"probes.components": None}))[0]
    result = finish(run.spec, 0)
    outputs = result.logits().astype(float)
    distance = np.sum((outputs - np.eye(10)[result.labels()]) ** 2, axis=1) / 2
    assert result.summary["final"]["test_loss"] == pytest.approx(distance.mean(), rel=1e-6)
    right = np.mean(outputs.argmax(axis=1) == result.labels())
    assert result.summary["final"]["test_accuracy"] == pytest.approx(right)
