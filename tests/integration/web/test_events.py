"""The event stream over HTTP: what it tells, resuming, ending, and what it costs the database."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import numpy as np
import pytest
from sqlalchemy import event as sqlalchemy_event

from reglab.api.events.poller import POLL_SECONDS
from reglab.core.presets import build
from reglab.core.results import CURVE_COLUMNS
from reglab.core.storage import Submission
from tests.harness.servers import wait_for
from tests.harness.serving import serving, settings_in


@dataclass
class Message:
    id: str
    event: str
    data: dict


@pytest.fixture
def server(tmp_path):
    with serving(settings_in(tmp_path)) as (url, app):
        yield url, app.state.context.storage


def submit(storage, runs=2):
    spec = build("l2", {"sweep": {"regularization.l2": [0.001 * k for k in range(runs)]}})
    return storage.experiments.create(Submission.of(spec, preset="l2"))[0]


def columns(*epochs):
    base = np.array(epochs)
    return dict.fromkeys(CURVE_COLUMNS, base / 7.0) | {"epoch": base}


def messages(lines):
    """Messages as they come; comments are dropped."""
    fields = {}
    for line in lines:
        if line.startswith(":"):
            continue
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            yield Message(fields["id"], fields["event"], json.loads(fields["data"]))
            fields = {}


def stream(server, experiment, last=None):
    headers = {"Last-Event-ID": last} if last else {}
    return httpx.stream(
        "GET", f"{server[0]}/v1/experiments/{experiment}/events", headers=headers, timeout=240
    )


def take(server, experiment, count, last=None):
    with stream(server, experiment, last) as reply:
        found = messages(reply.iter_lines())
        return [next(found) for _ in range(count)]


def test_a_stream_tells_all_until_the_end(server):
    storage = server[1]
    experiment = submit(storage)
    with stream(server, experiment) as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        found = messages(reply.iter_lines())
        first = [next(found) for _ in range(3)]
        assert [m.event for m in first] == ["metrics", "progress", "state"]
        assert all(m.data["snapshot"] for m in first)
        assert first[2].data["counts"]["queued"] == 2
        lease = storage.runs.lease_next("w")
        storage.runs.record(lease, 3, 0.3, columns(0, 1, 2, 3))
        rest = [next(found)]
        while rest[-1].event != "metrics":
            rest.append(next(found))
        storage.runs.finish(lease, columns(4, 5), {}, {})
        storage.runs.fail(storage.runs.lease_next("w"), {"type": "diverged"}, retry=False)
        rest += list(found)
    told = [m.data["columns"] for m in rest if m.event == "metrics"]
    assert [epoch for part in told for epoch in part["epoch"]] == [0, 1, 2, 3, 4, 5]
    assert {run for part in told for run in part["run_id"]} == {lease.run_id}
    assert told[0]["test_loss"] == pytest.approx([0, 1 / 7, 2 / 7, 3 / 7])
    assert rest[-1].event == "state"
    assert rest[-1].data["state"] == "failed"
    states = {run["id"]: run for m in rest if m.event == "state" for run in m.data["runs"]}
    assert states[lease.run_id]["state"] == "succeeded"
    assert [run["error"]["type"] for run in states.values() if run["error"]] == ["diverged"]
    assert len({m.id for m in first + rest}) == len(first + rest)
    with stream(server, experiment, rest[-1].id) as reply:
        assert reply.status_code == 204


def test_a_reader_goes_on_where_it_stopped(server):
    storage = server[1]
    experiment = submit(storage)
    *_, last = take(server, experiment, 3)
    lease = storage.runs.lease_next("w")
    storage.runs.record(lease, 1, 0.1, columns(0, 1))
    seen = take(server, experiment, 3, last.id)
    assert [m.event for m in seen] == ["metrics", "progress", "state"]
    assert not any(m.data["snapshot"] for m in seen)
    storage.runs.record(lease, 2, 0.2, columns(2))
    time.sleep(2 * POLL_SECONDS)
    again = take(server, experiment, 4, seen[0].id)
    assert [m.id for m in again[:2]] == [m.id for m in seen[1:]]
    assert again[2].data["columns"]["epoch"] == [2]


@pytest.mark.parametrize("last", ["gone-3", "x", "{token}-99", "{token}-0-1", "{token}--1"])
def test_an_id_that_is_not_known_gives_a_snapshot(server, last):
    experiment = submit(server[1])
    token = take(server, experiment, 3)[2].id.split("-")[0]
    found = take(server, experiment, 3, last.format(token=token))
    assert all(m.data["snapshot"] for m in found)


def test_a_snapshot_has_the_latest_evaluation_of_each_run(server):
    storage = server[1]
    experiment = submit(storage)
    claims = [storage.runs.lease_next("w") for _ in range(2)]
    for at, lease in enumerate(claims):
        storage.runs.record(lease, 1, 0.1, columns(0, 1))
        storage.runs.record(lease, 3 + at, 0.4, columns(2, 3 + at))
    found = take(server, experiment, 1)[0].data["columns"]
    assert dict(zip(found["run_id"], found["epoch"], strict=True)) == {
        lease.run_id: 3 + at for at, lease in enumerate(claims)
    }


def test_an_ended_experiment_gives_one_snapshot_and_deletion_ends_a_stream(server):
    storage = server[1]
    ended, deleted = submit(storage, 1), submit(storage, 1)
    storage.experiments.cancel(ended)
    with stream(server, ended) as reply:
        assert [m.event for m in messages(reply.iter_lines())] == ["metrics", "progress", "state"]
    with stream(server, deleted) as reply:
        found = messages(reply.iter_lines())
        for _ in range(3):
            next(found)
        storage.experiments.delete(deleted)
        assert [m.event for m in found] == ["deleted"]
    with stream(server, deleted) as reply:
        reply.read()
        assert reply.status_code == 404
        assert "experiment" in reply.json()["errors"][0]["detail"]


def test_readers_that_join_while_it_is_deleted_are_told(server):
    """Nobody waits for a poll that never comes: the stream is refused, or ends with `deleted`."""
    url, storage = server

    def read(path):
        with httpx.stream("GET", path, timeout=240) as answer:
            lines = list(answer.iter_lines())
        assert answer.status_code in (200, 404)
        assert answer.status_code == 404 or any("event: deleted" in line for line in lines)

    with ThreadPoolExecutor(16) as pool:
        for delay in np.linspace(0, 0.06, 12):
            found = submit(storage)
            open_streams = [
                pool.submit(read, f"{url}/v1/experiments/{found}/events") for _ in range(16)
            ]
            time.sleep(delay)
            storage.experiments.delete(found)
            for one in open_streams:
                one.result(timeout=240)


def test_a_stream_opened_after_a_retry_does_not_see_the_old_end(server):
    storage = server[1]
    experiment = submit(storage, 1)
    for _ in range(3):
        storage.experiments.cancel(experiment)
        ended = take(server, experiment, 3)[-1]
        assert ended.data["state"] == "cancelled"
        storage.experiments.retry(experiment)
        for last in (None, ended.id):
            assert take(server, experiment, 1, last)[0].event in ("metrics", "progress")
            assert take(server, experiment, 3)[-1].data["state"] == "queued"


def test_many_points_at_once_are_thinned_but_keep_their_extremes(server):
    storage = server[1]
    experiment = submit(storage, 1)
    lease = storage.runs.lease_next("w")
    *_, last = take(server, experiment, 3)
    many = columns(*range(5000))
    many["test_loss"] = np.sin(np.arange(5000.0))
    many["test_loss"][777] = -9.0
    storage.runs.record(lease, 4999, 0.5, many)
    found = take(server, experiment, 1, last.id)[0].data["columns"]
    assert len(found["epoch"]) <= 100
    assert min(found["test_loss"]) == -9.0
    assert found["epoch"][-1] == 4999


def test_a_hundred_streams_cost_one_poll(server):
    url, storage = server
    watched = [submit(storage) for _ in range(2)]
    statements = []
    sqlalchemy_event.listen(
        storage.engine, "before_cursor_execute", lambda *a: statements.append(a[2])
    )
    lease = storage.runs.lease_next("w")
    told = []

    async def read(http, experiment, ready):
        async with http.stream("GET", f"{url}/v1/experiments/{experiment}/events") as reply:
            async for line in reply.aiter_lines():
                if line.startswith("event: state"):
                    ready.release()
                if line.startswith("event: metrics"):
                    told.append(experiment)

    async def main(count):
        limits = httpx.Limits(max_connections=200)
        ready = asyncio.Semaphore(0)
        async with httpx.AsyncClient(limits=limits, timeout=240) as http:
            tasks = [asyncio.create_task(read(http, watched[at % 2], ready)) for at in range(count)]
            for _ in tasks:
                await asyncio.wait_for(ready.acquire(), 60)
            told.clear()
            statements.clear()
            began = time.monotonic()
            await asyncio.to_thread(
                storage.runs.record, lease, count, 0.1, columns(count, count + 1)
            )
            # A busy machine takes its time to tell all of them.
            while told.count(lease.run.experiment_id) < count / 2:
                assert time.monotonic() < began + 60, told
                await asyncio.sleep(POLL_SECONDS)
            await asyncio.sleep(3 * POLL_SECONDS)
            seconds = time.monotonic() - began
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return sum(text.startswith("SELECT") for text in statements), seconds

    for count in (2, 100):
        # In a thread of its own: Playwright keeps a loop running in the main one.
        with ThreadPoolExecutor(1) as pool:
            selects, seconds = pool.submit(asyncio.run, main(count)).result()
        # One statement a poll whatever the number of streams, one more for the new evaluations.
        assert selects <= seconds / POLL_SECONDS + 8
        assert told.count(lease.run.experiment_id) == count / 2
    # The server sees in its time that the readers have left.
    wait_for(lambda: not polls(statements), 60)


def polls(statements):
    """What is asked of the database within some polls."""
    statements.clear()
    time.sleep(3 * POLL_SECONDS)
    return statements


def test_streams_survive_a_database_that_is_away_for_a_while(server, monkeypatch):
    storage = server[1]
    experiment = submit(storage)
    working = storage.watch.progress
    failed = threading.Event()

    def broken(ids):
        failed.set()
        raise OSError("the disk is away")

    with stream(server, experiment) as reply:
        found = messages(reply.iter_lines())
        for _ in range(3):
            next(found)
        monkeypatch.setattr(storage.watch, "progress", broken)
        assert failed.wait(240)
        storage.runs.lease_next("w")
        monkeypatch.setattr(storage.watch, "progress", working)
        assert next(found).event == "progress"


def test_the_server_stops_at_once_with_open_streams(tmp_path):
    settings = settings_in(tmp_path)
    ended = []
    with serving(settings, grace=60) as (url, app):
        experiment = submit(app.state.context.storage)

        def read():
            with httpx.stream("GET", f"{url}/v1/experiments/{experiment}/events") as reply:
                for line in reply.iter_lines():
                    if line.startswith("event: state"):
                        started.release()
            ended.append(True)

        started = threading.Semaphore(0)
        readers = [threading.Thread(target=read) for _ in range(4)]
        for reader in readers:
            reader.start()
        for _ in readers:
            assert started.acquire(timeout=240)
        from sse_starlette.sse import AppStatus

        AppStatus.should_exit = True
        began = time.monotonic()
    AppStatus.should_exit = False
    for reader in readers:
        reader.join(60)
    assert len(ended) == 4, "a stream was cut instead of ended"
    assert time.monotonic() - began < 30
