"""Ensembles and Monte Carlo dropout against scikit-learn's metrics of plain averages."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss

from reglab.core.datasets import load
from reglab.core.engine import Network
from reglab.core.engine.random_streams import stream
from reglab.core.figures import REGISTRY, Style, render
from reglab.core.figures.ensembles import ensemble, single
from reglab.core.metrics.averages import scores_by_size
from reglab.core.metrics.predictions import probabilities
from tests.harness.training import small


@pytest.fixture(scope="module")
def runs():
    return small(
        "ensembles",
        {
            "dataset": {"name": "digits", "train_size": 100, "test_size": 150},
            "model.hidden": [20, 12],
            "training": {"epochs": 20, "batch_size": 20, "eval_every": 20},
            "probes.mc_dropout.samples": 6,
            "seeds": [0, 1, 2],
        },
    )


def plain_ece(p, labels, bins=15):
    order = np.argsort(p.max(axis=1), kind="stable")
    total = 0.0
    for part in np.array_split(order, bins):
        right = np.mean(p[part].argmax(axis=1) == labels[part])
        total += len(part) / len(labels) * abs(p[part].max(axis=1).mean() - right)
    return total


def expected(p, labels):
    return [
        accuracy_score(labels, p.argmax(axis=1)),
        log_loss(labels, p, labels=range(10)),
        plain_ece(p, labels),
    ]


def test_scores_of_averages_agree_with_scikit_learn(runs):
    members = [probabilities(run.logits()) for run in runs[:3]]
    labels = runs[0].labels()
    found = scores_by_size(members, labels)
    for size in (1, 2, 3):
        average = sum(members[:size]) / size
        np.testing.assert_allclose(found[size - 1], expected(average, labels), rtol=1e-6)


def test_ensembles_are_averaged_over_the_choice_of_members(runs):
    found = ensemble(runs[:3])
    p = [probabilities(run.logits()) for run in runs[:3]]
    labels = runs[0].labels()
    couples = [expected((p[a] + p[b]) / 2, labels) for a, b in ((0, 1), (1, 2), (2, 0))]
    np.testing.assert_allclose(found[1], np.mean(couples, axis=0), rtol=1e-6)
    # Averages of convex losses: never worse than the members' mean.
    assert found[2, 1] < found[1, 1] < found[0, 1]


def test_mc_dropout_averages_the_seeded_networks(runs):
    plain, dropped = runs[0], runs[3]
    assert "mc_dropout.scores" not in plain.arrays
    network = Network.from_arrays(dropped.spec.widths(), "tanh", dropped.arrays)
    data = load(dropped.spec.dataset, stream(dropped.seed, "data"))
    members = [network.dropout_probabilities(data.x_test, 0.4, dropped.seed, k) for k in range(6)]
    found = dropped.arrays["mc_dropout.scores"]
    np.testing.assert_allclose(found[0], expected(members[0], data.y_test), rtol=1e-6)
    np.testing.assert_allclose(
        found[-1], expected(np.mean(members, axis=0), data.y_test), rtol=1e-6
    )
    assert dropped.summary["mc_dropout"]["nll"] == found[-1, 1]
    assert found[-1, 1] < found[0, 1]


def test_figure_and_caption(runs):
    figure = REGISTRY["ensembles"]
    assert figure.reason(runs) is None
    assert "mc_dropout" in figure.reason(runs[:3])
    text = figure.caption(figure.measure(runs))
    alone = np.mean([single(run) for run in runs[:3]], axis=0)
    assert f"one net: {alone[0]:.1%}, {alone[1]:.3f}" in text
    mc = np.mean([run.arrays["mc_dropout.scores"][-1] for run in runs[3:]], axis=0)
    assert f"MC dropout of 6: {mc[0]:.1%}, {mc[1]:.3f}, {mc[2]:.3f}" in text
    assert render(figure, figure.measure(runs), Style()).startswith(b"\x89PNG")
