"""Two finished experiments that pages show."""

from __future__ import annotations

import httpx
import pytest


def wait_until_ended(http: httpx.Client, experiment: str) -> dict:
    """The experiment's document once it has ended."""
    reply = http.get(f"/experiments/{experiment}/events")
    assert reply.status_code in (200, 204)
    return http.get(f"/experiments/{experiment}").json()


MOONS = {
    "preset": "l2",
    "overrides": {
        "name": "Moons with seeds",
        "tags": ["browser-tests", "moons"],
        "training.epochs": 400,
        "training.eval_every": 20,
        "dataset.test_size": 200,
        "sweep": {"regularization.l2": [0, 0.01]},
        "seeds": [0, 1],
        "probes.boundary": {"resolution": 32, "snapshots": 6},
    },
}
DIGITS = {
    "name": "Digits with spectrum",
    "dataset": {"name": "digits", "train_size": 300},
    "model": {"hidden": [16]},
    "optimizer": {"name": "adam", "schedule": {"lr": 0.01}},
    "training": {"epochs": 20, "batch_size": 32},
    "probes": {"spectrum": {"snapshots": 6}},
}


@pytest.fixture(scope="session")
def moons(http) -> dict:
    """Four finished runs in the plane: two values, two seeds, boundaries over time."""
    made = http.post("/experiments", json=MOONS).json()
    return wait_until_ended(http, made["id"])


@pytest.fixture(scope="session")
def digits(http) -> dict:
    """A finished run on images with a spectrum."""
    made = http.post("/experiments", json=DIGITS).json()
    return wait_until_ended(http, made["id"])
