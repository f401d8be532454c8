"""Of a real server: heads that are too long, bodies in crumbs, many connections of one address."""

from __future__ import annotations

import contextlib
import socket
import time

import httpx
import pytest

from reglab.api.access.policy import Policy
from reglab.core.settings.limits import Limits
from tests.harness.serving import serving, settings_in

LIMITS = Limits(rate=0, connections=60, address_connections=12, header_seconds=30.0)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    settings = settings_in(tmp_path_factory.mktemp("protocol"))
    with serving(settings, limits=LIMITS, policy=Policy(mode="tokens")) as (url, _):
        yield httpx.URL(url)


def connect(address):
    made = socket.create_connection((address.host, address.port), timeout=240)
    return contextlib.closing(made)


def status(connection) -> bytes:
    with contextlib.suppress(ConnectionError):
        return connection.recv(2**16).split(b"\r\n")[0]
    return b""


def head(target="/healthz", *headers):
    lines = [f"POST {target} HTTP/1.1", "Host: localhost", *headers, "", ""]
    return "\r\n".join(lines).encode()


@pytest.mark.parametrize(
    ("request_head", "expected"),
    [
        (head("/v1/experiments?q=" + "x" * 200_000), b"414"),
        (head("/healthz", *(f"X-{k}: {'y' * 1000}" for k in range(100))), b"431"),
        (b"nonsense\r\n\r\n", b"400"),
    ],
)
def test_heads_that_are_too_long(address, request_head, expected):
    with connect(address) as connection:
        connection.sendall(request_head)
        assert expected in status(connection)


def test_a_body_in_crumbs_is_refused_and_nobody_waits(address):
    crumbs = b"1\r\n \r\n" * 100_000
    length = "Transfer-Encoding: chunked"
    with connect(address) as connection:
        connection.sendall(head("/v1/experiments/estimate", length))
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):
            connection.sendall(crumbs)
        assert status(connection).split(b" ")[1:2] in ([b"413"], [b"401"], [])
        assert httpx.get(address.join("/healthz"), timeout=240).status_code == 200
        assert time.monotonic() - began < 60


def test_a_refused_body_is_not_read_on(address):
    with connect(address) as connection:
        connection.sendall(head("/v1/experiments", "Content-Length: 40000000"))
        assert b"401" in status(connection)
        sent = 0
        with contextlib.suppress(OSError):
            while sent < 40_000_000:
                sent += connection.send(b" " * 2**16)
        assert sent < 20_000_000


def test_connections_of_one_address_do_not_shut_others_out(tmp_path):
    policy = Policy(mode="tokens")
    with serving(settings_in(tmp_path), limits=LIMITS, policy=policy) as (url, _):
        address = httpx.URL(url)
        with contextlib.ExitStack() as held:
            for _ in range(30):
                held.enter_context(connect(address))
            time.sleep(0.2)
            # Another address of loopback.
            other = socket.socket()
            held.callback(other.close)
            other.settimeout(60)
            other.bind(("127.0.0.2", 0))
            other.connect((address.host, address.port))
            other.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"200" in status(other)


def test_who_hangs_up_in_a_body_is_no_fault_of_ours(address, log_lines):
    with connect(address) as connection:
        connection.sendall(head("/v1/presets", "Content-Length: 100", "Content-Type: text/plain"))
    with httpx.Client(base_url=address) as http:
        assert http.head("/healthz").status_code == 200
    found: list = []
    deadline = time.monotonic() + 60
    while not found and time.monotonic() < deadline:
        found = [line for line in log_lines() if line.get("path") == "/healthz"]
        time.sleep(0.05)
    assert [line["status"] for line in found] == [200]
    assert all(line.get("status", 0) < 500 for line in log_lines())
