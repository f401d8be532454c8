"""Batches against torch, and the figure over their size."""

from __future__ import annotations

import numpy as np
import pytest

from reglab.core.engine import Trainer
from reglab.core.engine.random_streams import stream
from reglab.core.figures import REGISTRY, Style, render
from tests.harness.training import moons, run, small, spec


@pytest.mark.parametrize("batch", [1, 7, 16, 50])
def test_sgd_over_batches_agrees_with_torch(batch):
    torch = pytest.importorskip("torch")
    data = moons()
    wanted = spec({"training": {"epochs": 3, "batch_size": batch}, "optimizer.schedule.alpha": 0.0})
    trainer = Trainer(wanted, data, 6)
    start = trainer.network()
    run(trainer)
    layers = []
    for weights in start.weights:
        layer = torch.nn.Linear(*weights.shape, dtype=torch.float64)
        layer.weight.data = torch.from_numpy(weights.T.astype(float).copy())
        layer.bias.data.zero_()
        layers += [layer, torch.nn.Tanh()]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    x, y = torch.from_numpy(data.x_train.astype(float)), torch.from_numpy(data.y_train)
    order = stream(6, "batches")
    for _ in range(3):
        for rows in torch.split(torch.from_numpy(order.permutation(50)), batch):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
    for at, weights in enumerate(trainer.network().weights):
        expected = layers[2 * at].weight.detach().numpy().T
        np.testing.assert_allclose(weights, expected, atol=5e-5)


def test_figure_and_caption():
    runs = small(
        "batch-size",
        {
            "dataset": {"name": "digits", "train_size": 60, "test_size": 100},
            "model.hidden": [8],
            "training": {"epochs": 20, "batch_size": 4, "eval_every": 1},
            "sweep": {"training.batch_size": [4, 60]},
            "seeds": [0, 1],
        },
    )
    figure = REGISTRY["batch-size"]
    assert figure.reason(runs) is None
    assert figure.reason(runs[:2]) is not None
    late = [run.curves["test_accuracy"][-2:].mean() for run in runs]
    text = figure.caption(figure.measure(runs))
    assert f"{np.mean(late[:2]):.2%} for 4 (best)" in text
    assert f"{np.mean(late[2:]):.2%} for 60" in text
    assert render(figure, figure.measure(runs), Style()).startswith(b"\x89PNG")
