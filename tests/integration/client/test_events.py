"""Live events: against the live server, and over connections that break."""

from __future__ import annotations

import json

import httpx
import pytest

from reglab.client import ServerUnreachableError
from tests.integration.client.conftest import SMALL

LONG = {"training.epochs": 4000, "training.eval_every": 200, "name": "watched"}


def test_events_tell_the_whole_story(client, resolve):
    experiment = resolve(client.submit(SMALL, LONG))
    events = resolve(experiment.events())
    assert {event.kind for event in events} == {"state", "progress", "metrics"}
    states = [event for event in events if event.kind == "state"]
    assert states[0].snapshot
    assert states[-1].state == "succeeded"
    assert states[-1].counts["succeeded"] == 2
    told = {}
    for event in events:
        if event.kind == "metrics":
            columns = event.columns
            told |= {
                (run, epoch): loss
                for run, epoch, loss in zip(
                    columns["run_id"], columns["epoch"], columns["test_loss"], strict=True
                )
            }
    curves = resolve(experiment.curves())
    stored = {
        (run, epoch): loss
        for run, epoch, loss in zip(
            curves["run_id"], curves["epoch"], curves["test_loss"], strict=True
        )
    }
    assert told.items() <= stored.items()
    assert {(run.id, 4000) for run in experiment.runs} <= told.keys()
    # Whoever has the last event is told nothing more.
    assert resolve(experiment.events(after=events[-1].id)) == []


def sse(kind: str, identifier: str, **data) -> bytes:
    document = {"experiment_id": "x", "progress": 0.5, "runs": [], **data}
    return f"event: {kind}\nid: {identifier}\nretry: 0\ndata: {json.dumps(document)}\n\n".encode()


class Breaking(httpx.SyncByteStream, httpx.AsyncByteStream):
    """Gives some bytes, then breaks."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = parts

    def __iter__(self):
        yield from self.parts
        raise httpx.ReadError("reset")

    async def __aiter__(self):
        for part in self.parts:
            yield part
        raise httpx.ReadError("reset")


STREAM = {"Content-Type": "text/event-stream"}


@pytest.fixture
def experiment(face, document):
    """An experiment over a script of answers to its stream of events."""

    def make(*script, **options):
        answers, asked = iter(script), []

        def handler(request: httpx.Request) -> httpx.Response:
            if not request.url.path.endswith("/events"):
                return httpx.Response(200, json=document)
            asked.append(request.headers.get("Last-Event-ID"))
            return next(answers)

        transport = httpx.MockTransport(handler)
        client = face.client("http://reglab.test", transport=transport, **options)
        return face(client.get(document["id"])), asked

    return make


@pytest.fixture
def document(finished, server):
    return httpx.get(f"{server}/v1/experiments/{finished}").json()


def test_goes_on_after_a_broken_connection(experiment, resolve):
    broken = httpx.Response(200, headers=STREAM, stream=Breaking(sse("progress", "7")))
    rest = sse("unknown-kind", "8") + sse("state", "9", state="succeeded", counts={})
    found, asked = experiment(broken, httpx.Response(200, headers=STREAM, content=rest))
    events = resolve(found.events())
    assert [event.id for event in events] == ["7", "9"]
    assert asked == [None, "7"]


def test_gives_up_when_nothing_comes(experiment, resolve):
    broken = [httpx.Response(200, headers=STREAM, stream=Breaking(b": x\n")) for _ in range(3)]
    found, asked = experiment(*broken, retries=2)
    # The default pause of a second is the server's to change; here it says nothing.
    with pytest.raises(ServerUnreachableError):
        resolve(found.events(after="3"))
    assert asked == ["3", "3", "3"]


def test_ends_when_deleted(experiment, resolve):
    content = sse("deleted", "1")
    found, asked = experiment(httpx.Response(200, headers=STREAM, content=content))
    assert [event.kind for event in resolve(found.events())] == ["deleted"]
    assert len(asked) == 1
