"""Retries, timeouts, errors, addresses and tokens: real sockets and a scripted transport."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from reglab.client import (
    Client,
    ClientError,
    DeniedError,
    NotFoundError,
    RequestTimeoutError,
    ServerFaultError,
    ServerUnreachableError,
    TooManyRequestsError,
    UnavailableError,
    UnexpectedReplyError,
)
from reglab.client.session import Session
from reglab.client.settings import Settings

PRESETS = {"items": []}


class Scripted:
    """Answers with the next reply of a script, and keeps the requests."""

    def __init__(self, *script) -> None:
        self.script, self.requests = list(script), []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        return step


@pytest.fixture
def scripted(face, monkeypatch):
    """A client over a script, without time between retries."""

    async def at_once(seconds: float) -> None:
        pass

    monkeypatch.setattr("httpx_retries.retry.time.sleep", lambda seconds: None)
    monkeypatch.setattr("httpx_retries.retry.asyncio.sleep", at_once)

    def make(*script, **options):
        handler = Scripted(*script)
        transport = httpx.MockTransport(handler)
        return face.client("http://reglab.test", transport=transport, **options), handler

    return make


def ok(body=PRESETS) -> httpx.Response:
    return httpx.Response(200, json=body)


def problem(status: int, **headers: str) -> httpx.Response:
    body = {
        "type": "urn:reglab:kind",
        "title": "Title",
        "status": status,
        "detail": "a.b: Wrong.",
        "request_id": "req-1",
        "errors": [{"field": "a.b", "detail": "Wrong.", "remedy": "Do right."}],
    }
    return httpx.Response(status, json=body, headers=headers)


@pytest.mark.parametrize(
    "fault",
    [
        httpx.ConnectError("refused"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("gone"),
        429,
        503,
    ],
)
def test_tried_again(scripted, resolve, fault):
    faults = [problem(fault) if isinstance(fault, int) else fault for _ in range(2)]
    client, handler = scripted(*faults, ok())
    assert resolve(client.presets()) == []
    assert len(handler.requests) == 3


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (httpx.ReadTimeout("slow"), RequestTimeoutError),
        (500, ServerFaultError),
        (502, ServerFaultError),
        (404, NotFoundError),
        (401, DeniedError),
    ],
)
def test_not_tried_again(scripted, resolve, reply, error):
    client, handler = scripted(problem(reply) if isinstance(reply, int) else reply, ok())
    with pytest.raises(error):
        resolve(client.presets())
    assert len(handler.requests) == 1


def test_gives_up_with_the_last_error(scripted, resolve):
    client, handler = scripted(*[problem(503)] * 3, retries=2)
    with pytest.raises(UnavailableError) as caught:
        resolve(client.presets())
    assert len(handler.requests) == 3
    assert (caught.value.field, caught.value.remedy) == ("a.b", "Do right.")
    assert (caught.value.request_id, caught.value.kind) == ("req-1", "urn:reglab:kind")
    client, _ = scripted(problem(429), retries=0)
    with pytest.raises(TooManyRequestsError):
        resolve(client.presets())


def test_retry_after_is_obeyed(scripted, resolve, monkeypatch):
    slept = []

    async def asleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("httpx_retries.retry.time.sleep", slept.append)
    monkeypatch.setattr("httpx_retries.retry.asyncio.sleep", asleep)
    client, _ = scripted(problem(503, **{"Retry-After": "7"}), ok())
    resolve(client.presets())
    assert slept == [7.0]


def test_backoff_grows_with_jitter():
    retry, waits = Session(Settings("http://reglab.test")).retry, []
    for _ in range(4):
        retry = retry.increment()
        waits.append([retry.backoff_strategy() for _ in range(200)])
    for at, sample in enumerate(waits):
        longest = 0.25 * 2**at
        assert 0.8 * longest < max(sample) <= longest
        assert min(sample) < 0.2 * longest


def test_submission_keeps_its_key_over_retries(scripted, resolve):
    client, handler = scripted(httpx.ReadError("reset"), problem(503), problem(422), problem(422))
    for _ in range(2):
        with pytest.raises(ClientError):
            resolve(client.submit("l2"))
    keys = [request.headers["Idempotency-Key"] for request in handler.requests]
    assert keys[0] == keys[1] == keys[2] != keys[3]
    assert len(keys[0]) > 20


def test_what_may_have_arrived_is_not_sent_twice(scripted, resolve, experiment_document):
    client, handler = scripted(ok(experiment_document), httpx.ReadError("reset"), ok())
    experiment = resolve(client.get(experiment_document["id"]))
    with pytest.raises(ServerUnreachableError):
        resolve(experiment.retry())
    assert len(handler.requests) == 2


@pytest.fixture
def experiment_document():
    return {
        "id": "01a20e8c-cfe5-759a-82b0-fdfa1ca8176f",
        "name": "",
        "preset": "l2",
        "tags": [],
        "state": "failed",
        "counts": {},
        "progress": 0,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "spec": {},
        "runs": [],
        "added_later": 1,
    }


def test_token_and_url_come_from_the_environment(face, monkeypatch):
    monkeypatch.setenv("REGLAB_URL", "http://elsewhere.test:99/base/")
    monkeypatch.setenv("REGLAB_TOKEN", "secret")
    handler = Scripted(ok(), ok())
    client = face.client(None, transport=httpx.MockTransport(handler))
    face(client.presets())
    assert str(handler.requests[0].url) == "http://elsewhere.test:99/base/v1/presets"
    assert handler.requests[0].headers["Authorization"] == "Bearer secret"
    assert "secret" not in repr(client) + repr(client.settings)
    given = face.client("http://b.test", "other", transport=httpx.MockTransport(handler))
    face(given.presets())
    assert handler.requests[1].headers["Authorization"] == "Bearer other"


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://a", "http://", "nonsense"])
def test_malformed_address(face, url):
    with pytest.raises(ClientError, match="not a server's address"):
        face.client(url)


def test_no_server_says_how_to_start_one(face):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    client = face.client(f"http://127.0.0.1:{port}", retries=1)
    with pytest.raises(ServerUnreachableError) as caught:
        face(client.presets())
    assert "reglab serve" in str(caught.value)
    assert f"127.0.0.1:{port}" in str(caught.value)
    assert "REGLAB_URL" in caught.value.remedy


@pytest.mark.parametrize("body", [b"<html>proxy</html>", b'{"items": 3}', b"[]"])
def test_other_servers_are_recognised(scripted, resolve, body):
    client, _ = scripted(httpx.Response(200, content=body))
    with pytest.raises(UnexpectedReplyError, match="presets"):
        resolve(client.presets())
    client, _ = scripted(httpx.Response(500, content=body))
    with pytest.raises(ServerFaultError):
        resolve(client.presets())


@pytest.fixture
def rude_server() -> Iterator[tuple[str, list[bytes]]]:
    """Reads each request, then hangs up without an answer, twice; then answers."""
    seen: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            seen.append(self.headers["Idempotency-Key"])
            self.rfile.read(int(self.headers["Content-Length"]))
            if len(seen) < 3:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            body = json.dumps({"detail": "at last", "errors": []}).encode()
            self.send_response(422)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
    thread.join()
    server.server_close()


def test_broken_connections_of_a_real_server(face, rude_server):
    url, seen = rude_server
    with pytest.raises(ClientError, match="at last"):
        face(face.client(url).submit("l2"))
    assert len(seen) == 3
    assert len(set(seen)) == 1


def test_timeout_of_a_real_server(face):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(RequestTimeoutError, match=r"0\.2 s"):
            face(face.client(url, timeout=0.2).presets())


def test_closing_by_with():
    with Client("http://reglab.test", transport=httpx.MockTransport(Scripted(ok()))) as client:
        assert client.presets() == []
    with pytest.raises(ClientError, match="closed"):
        client.presets()
