"""A server that others can reach starts with tokens only; nothing that it writes holds one."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from reglab.api.access import start
from reglab.api.access.policy import Policy, is_loopback
from reglab.client import Client, DeniedError
from reglab.core.settings import REFUSED, Settings
from reglab.core.storage import Storage
from reglab.core.storage.migrate import upgrade
from tests.harness.servers import free_port


@pytest.fixture
def storage(tmp_path):
    url = f"sqlite:///{tmp_path / 'reglab.db'}"
    upgrade(url)
    made = Storage(url)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True), ("127.0.0.2", True), ("::1", True), ("localhost", True),
        ("0.0.0.0", False), ("::", False), ("", False), ("192.168.1.5", False),
        ("machine", False), ("127.0.0.1.evil.example", False),
    ],
)  # fmt: skip
def test_loopback_is_told_from_everything_else(host, expected):
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("policy", "refused"),
    [
        (Policy(), False),
        (Policy(host="0.0.0.0"), True),
        (Policy(host="192.168.1.5"), True),
        (Policy(mode="tokens"), True),
        (Policy(mode="open", host="0.0.0.0"), False),
    ],
)
def test_it_does_not_start_without_a_token_that_counts(storage, policy, refused):
    storage.tokens.revoke(storage.tokens.create("gone", "admin")[0].id)
    if not refused:
        warning = start.check(policy, storage)
        assert (warning is None) is policy.local
        return
    with pytest.raises(start.StartRefusedError, match="tokens create NAME") as caught:
        start.check(policy, storage)
    assert "REGLAB_ACCESS=open" in str(caught.value)
    storage.tokens.create("there", "read")
    assert start.check(policy, storage) is None


def test_where_tokens_cannot_be_looked_for_it_does_not_start():
    away = Storage.of(
        Settings(home=Path(), database_url="postgresql+psycopg://nobody@127.0.0.1:1/none")
    )
    with pytest.raises(start.StartRefusedError, match="cannot be looked for"):
        start.check(Policy(host="0.0.0.0"), away)


class Commands:
    """Commands of a fresh installation that listens to all the world."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        kept = {k: v for k, v in os.environ.items() if not k.startswith("REGLAB_")}
        self.env = {
            **kept,
            "REGLAB_HOME": str(folder),
            "REGLAB_HOST": "0.0.0.0",
            "REGLAB_PORT": str(self.port),
            "COLUMNS": "200",
        }

    def run(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *words],
            env={**self.env, **env},
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )

    def serve(self) -> subprocess.Popen[bytes]:
        with self.log.open("wb") as output:
            child = subprocess.Popen(
                [sys.executable, "-m", "reglab.api"],
                env=self.env,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and child.poll() is None:
            try:
                httpx.get(f"{self.url}/healthz")
                return child
            except httpx.HTTPError:
                time.sleep(0.1)
        raise AssertionError(self.log.read_text())


@pytest.mark.slow
def test_from_the_first_token_to_the_last_line_of_the_log(tmp_path):
    commands = Commands(tmp_path)
    for module in ("reglab.api.serve", "reglab.api"):
        refused = commands.run(module)
        assert refused.returncode == REFUSED, refused.stderr
        assert "reglab tokens create NAME --scope admin --here" in refused.stderr
        assert "Traceback" not in refused.stderr
    cli = ("reglab.client.cli", "--url", commands.url)
    made = commands.run(*cli, "tokens", "create", "first", "--scope", "admin", "--here")
    text = made.stdout.strip()
    assert re.fullmatch(r"reglab_[0-9a-f]{16}_[\w-]{43}", text), made
    secret = text[-43:]
    child = commands.serve()
    try:
        written = _use(commands, cli, text)
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(240)
    log = commands.log.read_text()
    assert log.count('"request"') >= 6
    for output in (log, *written):
        assert secret not in output
        assert secret[:20] not in output


def _use(commands: Commands, cli: tuple[str, ...], text: str) -> list[str]:
    """Everything that was printed or answered while the token was used rightly and wrongly."""
    listed = commands.run(*cli, "tokens", "list", REGLAB_TOKEN=text)
    assert "first" in listed.stdout
    denied = commands.run(*cli, "list")
    assert denied.returncode == 4
    assert "REGLAB_TOKEN" in denied.stderr
    debug = commands.run(*cli, "list", REGLAB_TOKEN=text[:-1] + "!", REGLAB_DEBUG="1")
    assert debug.returncode == 4
    printed = [one for done in (listed, denied, debug) for one in (done.stdout, done.stderr)]
    with httpx.Client(base_url=commands.url) as http:
        for reply in (
            http.get("/v1/presets", headers={"Authorization": text}),
            http.get("/v1/presets", headers={"Authorization": f"Bearer {text}x"}),
            http.get("/v1/presets", params={"token": text}),
            http.get(f"/v1/experiments/{text}", headers={"Accept": "text/html"}),
            http.post("/sign-in", data={"token": text + "x"}),
            http.post("/sign-in", data={"token": [text, text, text, text, text]}),
            http.delete(f"/v1/tokens/{text}", headers={"Authorization": f"Bearer {text}"}),
        ):
            assert reply.status_code in (400, 401), reply.request
            printed += [reply.text, str(reply.headers)]
        signed_in = http.post("/sign-in", data={"token": text})
        assert signed_in.status_code == 303
        printed += [str(signed_in.headers), http.get("/experiments").text]
    with Client(commands.url, text) as client:
        identity = client.create_token("second", "read", 1).id
        assert {token.name for token in client.tokens()} == {"first", "second"}
        client.revoke_token(identity)
    with Client(commands.url, "reglab_wrong") as client, pytest.raises(DeniedError):
        client.presets()
    return printed


@pytest.mark.parametrize(
    ("proxies", "address", "trusted"),
    [
        ("10.0.0.0/8 ::1", "10.2.3.4", True),
        ("10.0.0.0/8 ::1", "11.2.3.4", False),
        ("10.0.0.0/8 ::1", "::1", True),
        ("10.0.0.7", "10.0.0.7", True),
        ("10.0.0.7", "127.0.0.1", False),
        ("*", "11.2.3.4", True),
        ("", "127.0.0.1", True),
        ("", "11.2.3.4", False),
        ("10.0.0.7", "", True),
    ],
)
def test_which_proxies_are_trusted(proxies, address, trusted):
    assert Policy.from_env({"REGLAB_TRUSTED_PROXIES": proxies}).trusts(address) is trusted
