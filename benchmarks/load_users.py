"""What the clients of the load test do; a locustfile, run by ``benchmarks.load``.

Readers look at what there is, as pages and scripts do: mostly at a shelf of finished experiments,
one in five times at those just trained. Watchers are readers that follow a training
over an event stream. Submitters submit small experiments, wait for their ends, read the results,
and delete what is older than the last few of theirs, so that workers train all the time.
"""

from __future__ import annotations

import json
import os
import random
from collections import deque
from typing import Any

import gevent
from locust import FastHttpUser, between, events, task

from benchmarks.load_spec import SHELF, document_of

READERS, WATCHERS, SUBMITTERS = (int(n) for n in os.environ["REGLAB_LOAD_USERS"].split(","))
WATCH_SECONDS = 10.0
RUN_SECONDS = 60.0
KEPT = 5
LIVE_SHARE = 0.2
FIGURES = ("curves", "reliability", "boundaries", "weights")


class Client(FastHttpUser):
    """Waits like a person; an answer that was not to be expected is a failure."""

    abstract = True
    connection_timeout = 30.0
    network_timeout = 30.0

    def refused(self) -> None:
        """A 429 with Retry-After is no failure; it is counted, and waited for."""
        events.request.fire(
            request_type="run",
            name="refused",
            response_time=0,
            response_length=0,
            exception=None,
            context={},
        )

    def read(self, path: str, name: str, expected: tuple[int, ...] = (200,)) -> Any:
        """GET; returns the answer's JSON where it has any."""
        with self.client.get(path, name=name, catch_response=True) as reply:
            if reply.status_code in (*expected, 429):
                reply.success()
            else:
                reply.failure(f"{reply.status_code}: {(reply.text or '')[:200]}")
            is_json = "json" in (reply.headers or {}).get("content-type", "")
        if reply.status_code == 429:
            self.refused()
            gevent.sleep(float(reply.headers.get("retry-after", 1)))
        return reply.json() if reply.status_code == 200 and is_json else None


class Reader(Client):
    """Looks at lists, experiments, results and pictures."""

    fixed_count = READERS
    wait_time = between(1, 5)

    def on_start(self) -> None:
        self.known: list[dict[str, Any]] = []
        self.look_for_some()

    @task(3)
    def look_for_some(self) -> None:
        tag = "" if random.random() < LIVE_SHARE else f"&tag={SHELF}"
        path = f"/v1/experiments?state=succeeded&limit=50{tag}"
        found = self.read(path, "/v1/experiments")
        self.known = found["items"] if found else self.known

    @task(2)
    def page(self) -> None:
        self.read("/", "/ (page)")

    @task(3)
    def experiment(self) -> None:
        # What is known may have been deleted since.
        for one in self._one():
            self.read(f"/v1/experiments/{one}", "/v1/experiments/{id}", (200, 404))

    @task(2)
    def curves(self) -> None:
        for one in self._one():
            path = f"/v1/experiments/{one}/curves?max_points=200"
            self.read(path, "/v1/experiments/{id}/curves", (200, 404))

    @task(1)
    def errors_of_calibration(self) -> None:
        for one in self._one():
            self.read(f"/v1/experiments/{one}/ece", "/v1/experiments/{id}/ece", (200, 404))

    @task(2)
    def figure(self) -> None:
        for one in self._one():
            path = f"/v1/experiments/{one}/figures/{random.choice(FIGURES)}.png"
            self.read(path, "/v1/experiments/{id}/figures/{name}.png", (200, 404))

    @task(2)
    def one_run(self) -> None:
        for one in self._one():
            found = self.read(
                f"/v1/experiments/{one}/runs", "/v1/experiments/{id}/runs", (200, 404)
            )
            for run in (found or {"items": []})["items"][:1]:
                part = random.choice(("calibration", "boundary", "weights"))
                self.read(f"/v1/runs/{run['id']}/{part}", f"/v1/runs/{{id}}/{part}", (200, 404))

    def _one(self) -> list[str]:
        return [random.choice(self.known)["id"]] if self.known else []


class Watcher(Client):
    """Follows whatever is trained."""

    fixed_count = WATCHERS
    wait_time = between(0.5, 1.5)

    @task
    def watch(self) -> None:
        found = self.read("/v1/experiments?limit=20", "/v1/experiments")
        if not found or not found["items"]:
            return
        path = f"/v1/experiments/{random.choice(found['items'])['id']}/events"
        with self.client.get(
            path, name="/v1/experiments/{id}/events", stream=True, catch_response=True
        ) as reply:
            # 404: deleted since; 204: nothing more to come.
            if reply.status_code not in (200, 204, 404):
                reply.failure(f"{reply.status_code}")
                return
            reply.success()
            if reply.status_code == 200:
                with gevent.Timeout(WATCH_SECONDS, False):
                    while reply.stream.read(4096):
                        pass


class Submitter(Client):
    """Submits, waits, reads; one experiment at a time."""

    fixed_count = SUBMITTERS
    wait_time = between(0.5, 1.5)

    def on_start(self) -> None:
        self.mine: deque[str] = deque()
        self.seed = random.randrange(2**40)

    @task
    def experiment(self) -> None:
        made = self._submit()
        if made is None:
            return
        if self._wait(made):
            self.read(f"/v1/experiments/{made}/curves", "/v1/experiments/{id}/curves")
        self.mine.append(made)
        if len(self.mine) > KEPT:
            old = self.mine.popleft()
            name = "/v1/experiments/{id}"
            with self.client.delete(
                f"/v1/experiments/{old}", name=name, catch_response=True
            ) as reply:
                if reply.status_code in (204, 409):
                    reply.success()

    def _submit(self) -> str | None:
        self.seed += 2
        document = document_of(self.seed, "live")
        headers = {"Content-Type": "application/json"}
        name = "/v1/experiments"
        with self.client.post(
            "/v1/experiments", json.dumps(document), headers=headers, name=name, catch_response=True
        ) as reply:
            if reply.status_code == 202:
                reply.success()
                return str(reply.json()["id"])
            if reply.status_code == 429:
                reply.success()
                self.refused()
                gevent.sleep(float(reply.headers.get("retry-after", 1)))
            return None

    def _wait(self, experiment: str) -> bool:
        for _ in range(int(RUN_SECONDS)):
            gevent.sleep(1)
            found = self.read(f"/v1/experiments/{experiment}", "/v1/experiments/{id}")
            if found and found["state"] in ("succeeded", "failed", "cancelled"):
                ended = found["state"] == "succeeded"
                events.request.fire(
                    request_type="run",
                    name="run",
                    response_time=0,
                    response_length=0,
                    exception=None if ended else RuntimeError(str(found["state"])),
                    context={},
                )
                return ended
        return False
