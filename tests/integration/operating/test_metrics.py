"""/metrics: right by an obvious count, the same from every server, and as Prometheus wants it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update

from reglab.api import metrics
from reglab.api.app import create_app
from reglab.core.settings import Settings
from reglab.core.storage import Origin, counters
from reglab.core.storage.counters import BOUNDS
from reglab.core.storage.models import Run
from tests.harness.inline import SMALL
from tests.harness.servers import free_port, wait_for
from tests.harness.stored import columns, submit

# 250 points in batches of 32.
STEPS = 8


def samples(text: str) -> dict[str, float]:
    """Values by name and labels, as they are written."""
    found = {}
    for family in text_string_to_metric_families(text):
        for name, labels, value, *_ in family.samples:
            inner = ",".join(f'{key}="{labels[key]}"' for key in sorted(labels))
            found[f"{name}{{{inner}}}" if inner else name] = value
    return found


def scraped(storage) -> dict[str, float]:
    """What a server that has just started says about the service."""
    return samples(metrics.text(metrics.request_registry(), metrics.Service(storage)).decode())


def steps(storage) -> float:
    return scraped(storage)["reglab_training_steps_total"]


def test_steps_rise_while_runs_train_and_never_fall(storage):
    submit(storage, runs=1)
    assert steps(storage) == 0
    lease = storage.runs.lease_next("a")
    storage.runs.record(lease, 5, 0.1, columns(0, 6), ({}, {}))
    assert steps(storage) == 5 * STEPS
    storage.runs.record(lease, 9, 0.2)
    assert steps(storage) == 9 * STEPS
    # Handed back without a checkpoint of its own: goes on from epoch 5, trains 6 to 9 again.
    storage.runs.release(lease, 9)
    assert steps(storage) == 9 * STEPS
    lease = storage.runs.lease_next("b")
    assert lease.run.epoch == 5
    assert steps(storage) == 9 * STEPS
    storage.runs.record(lease, 7, 0.2)
    assert steps(storage) == 11 * STEPS
    assert storage.runs.fail(lease, {"type": "fault"}, retry=True)
    assert steps(storage) == 11 * STEPS
    lease = storage.runs.lease_next("c")
    storage.runs.finish(lease, None, {}, {}, epoch=20)
    assert steps(storage) == (11 + 15) * STEPS
    found = scraped(storage)
    assert found["reglab_run_attempts_total"] == 3
    assert found["reglab_run_retries_total"] == found["reglab_run_releases_total"] == 1


def test_ended_leases_are_counted_by_outcome(storage, clock):
    submit(storage, runs=3)
    leases = [storage.runs.lease_next(name) for name in "abc"]
    storage.runs.record(leases[0], 4, 0.1)
    with storage.engine.begin() as connection:
        connection.execute(update(Run).where(Run.index == 1).values(attempts_left=0))
        connection.execute(update(Run).where(Run.index == 2).values(cancel_requested=True))
    clock.pass_lease(storage)
    storage.maintenance.reap(resend_seconds=5)
    found = scraped(storage)
    for outcome in ("queued", "failed", "cancelled"):
        assert found[f'reglab_lease_expiries_total{{outcome="{outcome}"}}'] == 1
    assert found['reglab_run_seconds_count{state="failed"}'] == 1
    assert found['reglab_run_seconds_count{state="cancelled"}'] == 1
    assert found["reglab_training_steps_total"] == 4 * STEPS


class Clock:
    """Says what time it is meant to be."""

    def __init__(self) -> None:
        self.moment = datetime.now(UTC)

    def now(self, _zone) -> datetime:
        return self.moment


def test_times_fall_into_the_buckets_that_an_obvious_count_finds(storage, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(counters, "datetime", clock)
    submit(storage, runs=len(BOUNDS))
    waited, trained = [], []
    for bound in BOUNDS:
        ago = timedelta(seconds=bound * 0.6)
        with storage.engine.begin() as connection:
            waiting = update(Run).where(Run.state == "queued")
            connection.execute(waiting.values(created_at=datetime.now(UTC) - ago))
        lease = storage.runs.lease_next("w")
        # As stored, since this takes its time, too.
        waited.append((lease.run.started_at - lease.run.created_at).total_seconds())
        object.__setattr__(lease.run, "started_at", clock.moment - ago)
        storage.runs.finish(lease, None, {}, {}, epoch=1)
        trained.append(ago.total_seconds())
    found = scraped(storage)
    for bound in BOUNDS:
        le = f'le="{bound:g}"'
        ended = found[f'reglab_run_seconds_bucket{{{le},state="succeeded"}}']
        assert ended == sum(each <= bound for each in trained)
        begun = found[f"reglab_run_wait_seconds_bucket{{{le}}}"]
        assert begun == sum(each <= bound for each in waited)
    assert found['reglab_run_seconds_count{state="succeeded"}'] == len(BOUNDS)
    assert found['reglab_run_seconds_sum{state="succeeded"}'] == pytest.approx(sum(trained), 0.01)
    assert found["reglab_run_wait_seconds_sum"] == pytest.approx(sum(waited), rel=0.01)


def test_counts_do_not_fall_with_deleted_experiments(storage):
    experiment = submit(storage, runs=2)
    for name in "ab":
        storage.runs.finish(storage.runs.lease_next(name), None, {}, {}, epoch=3)
    before = scraped(storage)
    storage.experiments.delete(experiment)
    after = scraped(storage)
    assert before['reglab_runs{state="succeeded"}'] == 2
    assert after['reglab_runs{state="succeeded"}'] == 0
    totals = [name for name in before if re.search(r"_total|_count|_sum|_bucket", name)]
    mine = [name for name in totals if name.startswith("reglab_")]
    assert len(mine) > 30
    assert {name: after[name] for name in mine} == {name: before[name] for name in mine}


def test_a_run_remembers_the_request_that_queued_it(storage):
    experiment = submit(storage, runs=1)
    run = storage.experiments.runs(experiment)[0]
    assert (run.request_id, run.traceparent) == (None, None)
    storage.experiments.cancel(experiment)
    storage.experiments.retry(experiment, origin=Origin("again-1", "00-a-b-01"))
    lease = storage.runs.lease_next("w")
    assert (lease.run.request_id, lease.run.traceparent) == ("again-1", "00-a-b-01")


def test_two_servers_say_the_same_and_prometheus_can_read_it(inline):
    inline.finished(SMALL | {"seeds": [0, 1]})
    inline.finished(SMALL | {"seeds": [0, 1, 2]})
    other = TestClient(create_app(inline.settings))
    texts = [http.get("/metrics").text for http in (inline.http, other)]
    one, two = map(samples, texts)
    shared = [name for name in one if re.match(r"reglab_(run|queue|worker|lease|train)", name)]
    assert {name: one[name] for name in shared} == {name: two[name] for name in shared}
    assert one['reglab_runs_submitted_total{way="train"}'] == 3
    assert one['reglab_runs_submitted_total{way="reuse"}'] == 2
    assert one['reglab_run_seconds_count{state="succeeded"}'] == 3
    # 40 points in batches of 8, 6 epochs, 3 runs.
    assert one["reglab_training_steps_total"] == 5 * 6 * 3
    submitted = 'method="POST",route="/experiments",status="202"'
    assert any(submitted in name or "/experiments" in name for name in one)
    assert one['reglab_runs{state="succeeded"}'] == 5
    check_names(texts[0])


def check_names(text: str) -> None:
    """The rules of Prometheus' own linter that can be broken here."""
    for family in text_string_to_metric_families(text):
        name = family.name
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name), name
        assert family.documentation, name
        assert family.type != "untyped", name
        if family.type == "counter":
            assert all(s.name.endswith(("_total", "_created")) for s in family.samples), name
        else:
            assert not name.endswith(("_total", "_count", "_sum", "_bucket")), name
        assert not re.search(r"_(milliseconds|minutes|hours|ms)(_|$)", name), name
        assert family.type not in name.split("_"), name


def test_a_database_that_is_away_is_told(inline, monkeypatch):
    from reglab.core.storage import StorageUnavailableError

    def away():
        raise StorageUnavailableError("away")

    app = create_app(inline.settings)
    monkeypatch.setattr(app.state.context.storage.overview, "read", away)
    found = samples(TestClient(app).get("/metrics").text)
    assert found["reglab_database_up"] == 0
    assert "reglab_run_attempts_total" not in found
    assert "process_resident_memory_bytes" in found


@pytest.mark.slow
def test_processes_that_share_a_port_count_together(tmp_path):
    from reglab.core.storage.migrate import upgrade

    settings = Settings.from_env({"REGLAB_HOME": str(tmp_path)})
    upgrade(settings.database_url)
    shared, port = tmp_path / "shared", free_port()
    shared.mkdir()
    env = {**os.environ, "REGLAB_HOME": str(tmp_path), metrics.SHARED_FOLDER: str(shared)}
    command = ["-m", "uvicorn", "--factory", "reglab.api.app:create_app", "--workers", "2"]
    child = subprocess.Popen(
        [sys.executable, *command, "--port", str(port), "--log-level", "error"], env=env
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: httpx.get(f"{url}/healthz").status_code == 200, 240)
        deadline = time.monotonic() + 240
        # Connections of their own, so that both processes serve some.
        while len(list(shared.glob("counter_*.db"))) < 2 and time.monotonic() < deadline:
            httpx.get(f"{url}/v1/presets")
        served = len(list(shared.glob("counter_*.db")))
        assert served == 2
        before = samples(httpx.get(f"{url}/metrics").text)
        for _ in range(20):
            httpx.get(f"{url}/v1/presets")
        after = samples(httpx.get(f"{url}/metrics").text)
        [name] = [n for n in after if n.startswith("reglab_requests_total") and "presets" in n]
        assert after[name] - before[name] == 20
        assert after["reglab_database_up"] == 1
    finally:
        child.terminate()
        child.wait(240)
