"""Networks trained with squared loss have outputs, but no probabilities to ask for."""

from __future__ import annotations

import numpy as np
import pytest

from reglab.core.figures import REGISTRY
from tests.harness.stored import serve, store
from tests.harness.training import small

SMALL = {
    "dataset": {"name": "digits", "train_size": 40, "test_size": 50, "centred": True},
    "training": {"epochs": 3, "batch_size": 40},
    "seeds": [0],
}


@pytest.fixture(scope="module")
def runs():
    return small("linear-spectrum", SMALL)


@pytest.fixture(scope="module")
def stored(runs, tmp_path_factory):
    client = serve(tmp_path_factory.mktemp("home"))
    return client, store(client, "linear-spectrum", runs, **SMALL)


@pytest.mark.parametrize("what", ["calibration", "predictions", "corp", "selective", "confusion"])
def test_probabilities_are_refused_with_the_reason(stored, what):
    client, experiment = stored
    run = client.get(f"/v1/experiments/{experiment}/runs").json()["items"][0]["id"]
    reply = client.get(f"/v1/runs/{run}/{what}")
    assert reply.status_code == 404
    assert reply.headers["content-type"] == "application/problem+json"
    assert "squared loss" in reply.text
    assert "cross_entropy" in reply.text
    reply = client.post(f"/v1/runs/{run}/predict", json={"inputs": [[0.0] * 64]})
    assert reply.status_code == 404


def test_ece_leaves_them_out_and_curves_do_not(stored, runs):
    client, experiment = stored
    assert client.get(f"/v1/experiments/{experiment}/ece").json()["items"] == []
    curves = client.get(f"/v1/experiments/{experiment}/curves").json()
    np.testing.assert_allclose(curves["test_loss"], runs[0].curves["test_loss"])


@pytest.mark.parametrize("name", ["reliability", "ece", "fig07-calibration"])
def test_figures_of_calibration_do_not_apply(runs, name):
    assert REGISTRY[name].reason(runs) is not None
    assert REGISTRY["linear-spectrum"].reason(runs) is None
