"""Slow and broken clients of a real server: each is let go, and others never notice."""

from __future__ import annotations

import contextlib
import json
import socket
import time

import httpx
import pytest

from reglab.core.settings.limits import Limits
from tests.harness.inline import SMALL
from tests.harness.servers import wait_for
from tests.harness.serving import serving, settings_in

LIMITS = Limits(
    rate=0,
    body_seconds=1.0,
    body_rate=1000,
    header_seconds=1.0,
    write_seconds=1.0,
    connections=120,
    requests=100,
    streams=6,
    client_streams=5,
)
PATIENCE = 60.0
MANY = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    settings = settings_in(tmp_path_factory.mktemp("slow"))
    with serving(settings, limits=LIMITS) as (url, app):
        yield httpx.URL(url), app


@pytest.fixture
def sockets(server):
    """Makes connections that are closed at the end."""
    with contextlib.ExitStack() as stack:

        def connect(text="", receive=None):
            made = stack.enter_context(socket.socket())
            if receive:
                # Set before connecting, as the window is agreed then.
                made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
            made.settimeout(PATIENCE)
            made.connect((server[0].host, server[0].port))
            made.sendall(text.encode())
            return made

        yield connect


def head(method, path, *headers):
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""])


def body_of(size):
    return head(
        "POST", "/v1/experiments", "Content-Type: application/json", f"Content-Length: {size}"
    )


def answer(connection):
    """All that comes until the server closes."""
    data = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(2**16):
            data += piece
    return data


def closed(connection):
    """Seconds until the server lets go of it."""
    began = time.monotonic()
    answer(connection)
    return time.monotonic() - began


def quick(server):
    """Whole requests beside them are answered at once."""
    began = time.monotonic()
    with httpx.Client(base_url=server[0], timeout=PATIENCE) as http:
        # Places of clients that have left are given back within moments.
        while http.get("/v1/experiments").status_code == 429:
            assert time.monotonic() - began < PATIENCE / 2
            time.sleep(0.1)
        assert http.get("/v1/experiments").status_code == 200
        assert http.post("/v1/experiments", json=SMALL).status_code == 202
    return time.monotonic() - began < PATIENCE / 2


def test_clients_that_send_nothing_or_half_a_head(server, sockets):
    idle = [sockets() for _ in range(MANY // 2)]
    half = [
        sockets("GET /v1/experiments HTTP/1.1\r\nHost: localhost\r\nX-") for _ in range(MANY // 2)
    ]
    assert quick(server)
    assert all(closed(one) < PATIENCE for one in idle + half)


def test_a_head_that_comes_letter_by_letter_keeps_the_first_deadline(server, sockets):
    slow = sockets("GET / HT")
    began = time.monotonic()
    with contextlib.suppress(OSError):
        while time.monotonic() - began < PATIENCE + 1:
            slow.sendall(b"T")
            time.sleep(0.1)
    assert time.monotonic() - began < PATIENCE


def test_a_second_request_has_a_deadline_too(server, sockets):
    kept = sockets(head("GET", "/healthz") + "GET /hea")
    assert b"200 OK" in kept.recv(2**16)
    assert closed(kept) < PATIENCE


def test_bodies_that_never_end(server, sockets):
    stuck = [sockets(body_of(1000) + '{"dataset"') for _ in range(MANY)]
    assert quick(server)
    for one in stuck:
        text = answer(one)
        assert b" 408 " in text.split(b"\r\n")[0]
        assert b"REGLAB_MAX_BODY_SECONDS is 1" in text
    unlengthed = head("POST", "/v1/experiments", "Transfer-Encoding: chunked") + "5\r\n[[[[[\r\n"
    assert b" 408 " in answer(sockets(unlengthed))


def test_a_body_that_trickles_too_slowly(server, sockets):
    drip = sockets(body_of(2000))
    drip.settimeout(0.1)
    began, got = time.monotonic(), b""
    while b"408" not in got and time.monotonic() - began < PATIENCE:
        with contextlib.suppress(OSError):
            drip.sendall(b" ")
        with contextlib.suppress(TimeoutError):
            got += drip.recv(2**16)
    assert b" 408 " in got.split(b"\r\n")[0]


def test_a_long_body_at_a_fair_rate_goes_on(server, sockets):
    text = json.dumps({**SMALL, "name": "fair"}).ljust(3500)
    fair = sockets(body_of(len(text)))
    for at in range(0, len(text), 250):
        fair.sendall(text[at : at + 250].encode())
        time.sleep(0.08)
    assert b" 202 " in fair.recv(2**16).split(b"\r\n")[0]


def test_a_refused_body_is_answered_even_while_it_is_sent(server):
    with httpx.Client(base_url=server[0], timeout=PATIENCE) as http:
        headers = {"Content-Type": "application/json"}
        reply = http.post("/v1/experiments", content=b" " * 6_000_000, headers=headers)
        assert reply.status_code == 413
        reply = http.post("/v1/experiments/import", content=b"x" * 100_000)
        assert reply.status_code == 415


def test_clients_that_leave_in_the_middle(server, sockets):
    for _ in range(MANY):
        sockets(body_of(1000) + "{").close()
        sockets(head("GET", "/v1/experiments")).close()
    assert quick(server)


def test_readers_that_never_read(server, sockets):
    """Whole answers, more than the buffers of a connection hold."""
    page = "/static/js/none"
    for path in ("/docs", page):
        assert httpx.get(server[0].join(path), timeout=PATIENCE).status_code in (200, 404)
    large = head("GET", "/static-offline-docs/swagger-ui-bundle.js")
    deaf = [sockets(large * 4, receive=4096) for _ in range(MANY)]
    assert quick(server)
    time.sleep(8)
    for one in deaf:
        # What was under way may be read; then it ends, far from whole.
        assert len(answer(one)) < 4_000_000


def test_event_streams_are_counted_and_places_given_back(server, sockets):
    made = httpx.post(server[0].join("/v1/experiments"), json=SMALL).json()
    path = f"/v1/experiments/{made['id']}/events"
    streams = server[1].state.context.streams
    held = [sockets(head("GET", path)) for _ in range(LIMITS.client_streams)]
    for one in held:
        assert b" 200 " in one.recv(2**16).split(b"\r\n")[0]
    reply = httpx.get(server[0].join(path), timeout=PATIENCE)
    assert reply.status_code == 429
    assert int(reply.headers["retry-after"]) >= 1
    assert "REGLAB_MAX_CLIENT_STREAMS is 5" in reply.json()["errors"][0]["remedy"]
    assert quick(server)
    for one in held:
        one.close()
    began = time.monotonic()
    while streams.open("streams") and time.monotonic() - began < PATIENCE:
        time.sleep(0.05)
    assert streams.open("streams") == 0
    assert streams.clients == {}


def test_all_streams_together(server):
    streams = server[1].state.context.streams
    made = httpx.post(server[0].join("/v1/experiments"), json=SMALL).json()
    for at in range(LIMITS.streams):
        streams.enter("streams", f"other {at}")
    reply = httpx.get(server[0].join(f"/v1/experiments/{made['id']}/events"), timeout=PATIENCE)
    for at in range(LIMITS.streams):
        streams.leave("streams", f"other {at}")
    assert reply.status_code == 429
    assert "REGLAB_MAX_STREAMS is 6" in reply.json()["errors"][0]["remedy"]


def test_more_connections_than_allowed_are_closed_at_once(tmp_path):
    # None is closed for another reason meanwhile.
    limits = LIMITS.model_copy(update={"connections": 20, "header_seconds": 2 * PATIENCE})
    with (
        serving(settings_in(tmp_path), limits=limits) as (url, app),
        contextlib.ExitStack() as stack,
    ):
        address = httpx.URL(url)

        def connect():
            return stack.enter_context(
                socket.create_connection((address.host, address.port), timeout=2 * PATIENCE)
            )

        held = [connect() for _ in range(limits.connections)]
        assert closed(connect()) < PATIENCE
        for one in held:
            one.close()
        wait_for(lambda: quick((address, app)), PATIENCE)
