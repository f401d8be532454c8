"""Norms and rescaling against torch and the discrete law of SGD."""

from __future__ import annotations

import numpy as np
import pytest

from reglab.core.claims.laws import decayed, imbalance, law_deviation
from reglab.core.engine import Trainer
from reglab.core.errors import SpecError
from reglab.core.figures import REGISTRY, Style, render
from reglab.core.presets import build
from reglab.core.probes.norms import output_change, rescaled
from tests.harness.training import moons, run, small, spec
from tests.unit.engine import oracle

LR = 0.05


@pytest.fixture(scope="module")
def runs():
    return small(
        "relu-scale",
        {
            "model.hidden": [12],
            "training": {"epochs": 200, "batch_size": 32, "eval_every": 20},
            "sweep": {"model.activation": ["relu", "tanh"], "regularization.l2": [0.0, 0.01]},
            "seeds": [0],
        },
    )


def trained(activation):
    trainer = Trainer(spec({"model": {"hidden": [9, 6], "activation": activation}}), moons(), 1)
    run(trainer)
    return trainer.network()


@pytest.mark.parametrize("factor", [0.1, 3.0, 7.7])
def test_rescaling_changes_nothing_in_relu_and_much_in_tanh(factor):
    x = moons().x_test
    assert output_change(trained("relu"), x, factor) < 1e-5
    assert output_change(trained("tanh"), x, factor) > 0.02
    torch = pytest.importorskip("torch")
    network = rescaled(trained("relu"), factor)
    original = trained("relu")
    scales = ((factor, factor), (1 / factor, 1), (1, 1))
    layers = []
    for weight, bias, (w, b) in zip(original.weights, original.biases, scales, strict=True):
        layer = torch.nn.Linear(*weight.shape, dtype=torch.float64)
        layer.weight.data = torch.from_numpy(w * weight.T.astype(float))
        layer.bias.data = torch.from_numpy(b * bias.astype(float))
        layers += [layer, torch.nn.ReLU()]
    expected = torch.nn.Sequential(*layers[:-1])(torch.from_numpy(x.astype(float)))
    np.testing.assert_allclose(network.logits(x), expected.detach().numpy(), atol=1e-5)


def test_the_discrete_law_holds_step_by_step():
    """D' = (1 - lr l2)^2 D + lr^2 (|g0|^2 - |g1|^2): the gradients' product with D vanishes."""
    l2, data = 0.3, moons()
    wanted = spec(
        {
            "model": {"hidden": [9], "activation": "relu"},
            "optimizer.schedule": {"lr": LR, "alpha": 0.0},
            "regularization.l2": l2,
            "training": {"epochs": 20, "batch_size": 50},
        }
    )
    trainer = Trainer(wanted, data, 1)
    x, targets = data.x_train.astype(float), np.eye(2)[data.y_train]

    def apart(network):
        (w0, w1), b0 = network.weights, network.biases[0]
        return sum(np.sum(part.astype(float) ** 2) for part in (w0, b0)) - np.sum(
            w1.astype(float) ** 2
        )

    before = trainer.network()
    for evaluation in trainer:
        if evaluation.epoch:
            layers = [
                [w.astype(float), b.astype(float)]
                for w, b in zip(before.weights, before.biases, strict=True)
            ]
            g = oracle.gradients(layers, x, targets, "relu")
            squares = sum(np.sum(part**2) for part in g[0]) - np.sum(g[1][0] ** 2)
            expected = (1 - LR * l2) ** 2 * apart(before) + LR**2 * squares
            assert apart(trainer.network()) == pytest.approx(expected, rel=1e-5)
        before = trainer.network()


def test_norms_are_numpys_and_follow_the_flow(runs):
    plain, decays, tanh = runs[0], runs[1], runs[2]
    for each in runs:
        last = each.arrays["norms.weights"][-1]
        expected = [np.linalg.norm(each.arrays[f"param.W{k}"].astype(float)) ** 2 for k in (0, 1)]
        np.testing.assert_allclose(last, expected, rtol=1e-12)
    assert law_deviation(plain) < 0.02
    assert law_deviation(decays) < 0.02
    assert law_deviation(tanh) > 0.05
    steps = decays.arrays["norms.steps"][-1]
    assert steps == decays.summary["steps"]
    start = imbalance(decays)[0]
    assert decayed(decays)[-1] == pytest.approx(start * np.exp(-2 * 0.01 * 0.02 * steps))
    assert imbalance(decays)[-1] < 0.8 * start


def test_figure_and_caption(runs):
    figure = REGISTRY["relu-scale"]
    assert figure.reason(runs) is None
    assert figure.reason(runs[2:]) is not None
    worst = max(law_deviation(each) for each in runs[:2])
    assert f"ReLU: {worst:.1%}" in figure.caption(figure.measure(runs))
    assert render(figure, figure.measure(runs), Style()).startswith(b"\x89PNG")


def test_norms_need_a_hidden_layer():
    with pytest.raises(SpecError, match=r"probes\.norms: It needs at least one hidden layer"):
        build("relu-scale", {"model.hidden": []})
