"""Estimates: what is counted, what they rest on, and that nothing is stored."""

from __future__ import annotations

import httpx
import pytest

from reglab.core.presets import PRESETS, build
from reglab.core.spec import expand
from reglab.core.storage import Submission
from reglab.core.submission.estimate import estimate, model_seconds
from tests.harness.serving import serving, settings_in

# Microseconds per step of the engine on one AVX2 core, as DESIGN measured them for one thread.
MEASURED = {
    "l2": 28,
    "dropout": 57,
    "label-smoothing": 145,
    "augmentation": 100,
    "early-stopping": 3653,
}


@pytest.fixture
def server(tmp_path):
    with serving(settings_in(tmp_path)) as (url, app), httpx.Client(base_url=f"{url}/v1") as http:
        yield http, app.state.context.storage


def test_steps_and_runs_are_counted(server):
    body = {"preset": "l2", "overrides": {"seeds": [0, 1], "training.epochs": 100}}
    found = server[0].post("/experiments/estimate", json=body).json()
    assert found["runs"] == 18
    assert found["epochs"] == 1800
    # 250 points in batches of 32 are 8 updates an epoch.
    assert found["steps"] == 1800 * 8
    assert found["slots"] == found["measured_runs"] == 0
    assert found["seconds"] == pytest.approx(found["cpu_seconds"])
    assert server[1].experiments.find().items == []


@pytest.mark.parametrize(("preset", "measured"), MEASURED.items())
def test_the_model_is_near_measured_steps(preset, measured):
    run = expand(build(preset))[0].spec
    longer = run.model_copy(
        update={"training": run.training.model_copy(update={"eval_every": run.training.epochs})}
    )
    steps = longer.training.epochs * -(-run.dataset.train_size // run.training.batch_size)
    assert 0.5 < 1e6 * model_seconds(longer) / steps / measured < 2


def test_finished_runs_scale_the_estimate():
    runs = expand(build("l2"))
    plain = estimate(runs, [], 1)
    other = expand(build("dropout"))[0].spec
    slow = estimate(runs, [(other, 3 * model_seconds(other))] * 3, 1)
    assert slow.cpu_seconds == pytest.approx(3 * plain.cpu_seconds)
    assert slow.measured_runs == 3
    assert estimate(runs, [], 3).seconds == pytest.approx(plain.cpu_seconds / 3)
    assert estimate(runs, [], 99).seconds == pytest.approx(plain.longest_seconds)


def test_workers_and_history_come_from_the_database(server):
    http, storage = server
    spec = build("l2", {"training.epochs": 2000})
    storage.experiments.create(Submission.of(spec))
    lease = storage.runs.lease_next("w")
    storage.runs.finish(lease, None, {}, {"seconds": 7.0})
    storage.maintenance.seen("w", 4)
    body = {"preset": "l2", "overrides": {"training.epochs": 2000}}
    found = http.post("/experiments/estimate", json=body).json()
    assert (found["slots"], found["waiting"], found["measured_runs"]) == (4, 8, 1)
    assert found["longest_seconds"] == pytest.approx(7.0)


def test_it_refuses_what_a_submission_would_refuse(server):
    body = {"preset": "l2", "overrides": {"regularization.l1": -1, "training.epoch": 3}}
    reply = server[0].post("/experiments/estimate", json=body)
    assert reply.status_code == 422
    fields = {error["field"] for error in reply.json()["errors"]}
    assert fields == {"regularization.l1", "training.epoch"}
    assert set(PRESETS) >= set(MEASURED)
