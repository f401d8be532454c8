"""What is no message is dropped: a worker goes on, and trains what waits."""

from __future__ import annotations

import contextlib
import json
import uuid
from queue import Empty

import pytest
import redis
from kombu import Connection

from reglab.core.process.broker import EMBEDDED_URL, QUEUE, is_message, transport_options
from reglab.core.settings import Settings

GARBAGE = [
    b"5",
    b"[]",
    b"null",
    b'"x"',
    b"{}",
    b"notjson",
    b"\xff\xfe\x00",
    b'{"body": 1}',
    b'{"body": "", "headers": {}, "properties": []}',
    b'{"body": "", "headers": {}, "properties": {"delivery_tag": 5}}',
    b"",
]


def told(connection):
    """Puts a real message and reads all that there is."""
    queue = connection.SimpleQueue(QUEUE)
    queue.put({"run": "01"})
    found, seconds = [], 60.0
    with contextlib.suppress(Empty):
        while True:
            message = queue.get(timeout=seconds)
            message.ack()
            found.append(message.payload)
            # Nothing should come behind it.
            seconds = 0.3
    return found


@pytest.mark.parametrize("garbage", GARBAGE)
def test_in_the_folder(tmp_path, garbage):
    settings = Settings.from_env({"REGLAB_HOME": str(tmp_path)})
    folder = tmp_path / "broker"
    folder.mkdir()
    (folder / f"0.{QUEUE}.msg").write_bytes(garbage)
    with Connection(EMBEDDED_URL, transport_options=transport_options(settings)) as connection:
        assert told(connection) == [{"run": "01"}]
    assert list(folder.iterdir()) == []


@pytest.mark.services
@pytest.mark.parametrize("garbage", [*GARBAGE, None])
def test_in_redis(redis_url, garbage):
    client = redis.Redis.from_url(redis_url)
    client.delete(QUEUE)
    if garbage is None:
        client.set(QUEUE, "of another type")
    else:
        client.rpush(QUEUE, garbage)
    settings = Settings.from_env({"REGLAB_BROKER_URL": redis_url})
    seen = []
    with Connection(redis_url, transport_options=transport_options(settings)) as connection:
        channel = connection.channel()
        queue = connection.SimpleQueue(QUEUE, channel=channel).queue

        def take(body, message):
            seen.append(body)
            message.ack()

        with connection.Consumer([queue], callbacks=[take]):
            sent = False
            for _ in range(300):
                with contextlib.suppress(TimeoutError):
                    connection.drain_events(timeout=0.2)
                if not sent:
                    # The garbage comes first.
                    connection.Producer().publish({"run": "01"}, routing_key=QUEUE)
                    sent = True
                if seen:
                    break
    assert seen == [{"run": "01"}]
    assert not client.exists(QUEUE)


def test_what_is_sent_is_a_message():
    payload = {
        "body": "",
        "headers": {},
        "properties": {"delivery_tag": str(uuid.uuid4()), "delivery_info": {}},
    }
    assert is_message(json.loads(json.dumps(payload)))
