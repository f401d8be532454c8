"""The playground: frames are those of the engine, streams are few and end with their reader."""

from __future__ import annotations

import base64
import itertools
import json
import time

import httpx
import numpy as np
import pytest

from reglab.api.playground import EPOCHS, RESOLUTION, Playground, Settings
from reglab.core import datasets
from reglab.core.engine import Trainer
from reglab.core.engine.random_streams import stream
from tests.harness.serving import serving, settings_in

CHOSEN = Settings(0.01, 0.0, 0.3, 0.0, 0.2, 0.1, 60, 0.15, 3)


def decoded(grid):
    field = np.frombuffer(base64.b64decode(grid), np.uint8).astype(float) / 255
    return field.reshape(RESOLUTION, RESOLUTION)


def test_frames_are_trainings_of_the_engine():
    playground = Playground(CHOSEN)
    scene = playground.scene()
    frames = list(itertools.islice(playground.frames(), 4))
    assert [frame["epoch"] for frame in frames] == [0, 1, 2, 3]
    assert frames[0]["plain"] == frames[0]["regularized"]
    for name, regularized in (("plain", False), ("regularized", True)):
        spec = CHOSEN.spec(regularized)
        data = datasets.load(spec.dataset, stream(3, "data"))
        trainer = Trainer(spec, data, 3)
        last = next(one for one in trainer if one.epoch == 3)
        assert frames[3][name]["test_loss"] == last.test_loss
        assert frames[3][name]["train_accuracy"] == last.train_accuracy
        field = decoded(frames[3][name]["grid"])
        (left, right), (low, high) = scene["x"], scene["y"]
        corners = np.array([[left, low], [right, low], [left, high], [right, high]])
        expected = trainer.network().probabilities(corners)[:, 1].reshape(2, 2)
        np.testing.assert_allclose(field[[0, -1]][:, [0, -1]], expected, atol=1 / 255)
    np.testing.assert_allclose(scene["points"], data.x_train, atol=1e-4)
    assert frames[3]["plain"] != frames[3]["regularized"]


def test_frames_come_slower_and_slower_and_end_at_the_last_epoch(monkeypatch):
    monkeypatch.setattr("reglab.api.playground.FRAME_SECONDS", 0.0)
    monkeypatch.setattr("reglab.api.playground.GROWTH", 0.5)
    epochs = [frame["epoch"] for frame in Playground(CHOSEN).frames()]
    assert epochs[:6] == [0, 1, 2, 3, 5, 7]
    assert epochs[-1] == EPOCHS
    assert epochs == sorted(set(epochs))


@pytest.fixture
def playground(tmp_path):
    with serving(settings_in(tmp_path)) as (address, app):
        yield f"{address}/v1/playground", app.state.context.streams


def test_a_stream_begins_with_the_scene_and_ends_with_its_reader(playground):
    url, streams = playground
    names = []
    with httpx.stream("GET", url, params={"l2": 0.01}, timeout=240) as reply:
        for line in reply.iter_lines():
            if line.startswith("event: "):
                names.append(line.removeprefix("event: "))
            elif line.startswith("data: ") and names == ["scene"]:
                assert len(json.loads(line.removeprefix("data: "))["points"]) == 250
            if len(names) == 4:
                assert streams.open("playgrounds") == 1
                break
    assert names == ["scene", "frame", "frame", "frame"]
    deadline = time.monotonic() + 60
    while streams.open("playgrounds") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert streams.open("playgrounds") == 0, "a stream without a reader goes on training"


def test_too_many_streams_and_bad_settings_are_refused(playground):
    url, streams = playground
    for client in "abcd":
        streams.enter("playgrounds", client)
    reply = httpx.get(url, timeout=240)
    assert reply.status_code == 429
    assert int(reply.headers["retry-after"]) > 0
    assert "REGLAB_MAX_PLAYGROUNDS is 4" in reply.json()["errors"][0]["remedy"]
    reply = httpx.get(url, params={"l2": -1, "seed": "x"}, timeout=240)
    assert reply.status_code == 422
    assert {error["field"] for error in reply.json()["errors"]} == {"l2", "seed"}
