"""Whatever ends the first process of a service ends the rest, and hands its runs back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import httpx
import pytest

from reglab.api.access.policy import Policy
from reglab.api.stack import Stack, bound_socket
from reglab.core.settings import SettingsError
from tests.harness.servers import free_port
from tests.integration.service.test_end_to_end import SMALL, handed_back, of_this_folder, wait_until


def _hear_hangups():
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.mark.parametrize(
    ("number", "group"),
    [(signal.SIGHUP, True), (signal.SIGTERM, True), (signal.SIGKILL, False)],
    ids=["terminal closed", "group terminated", "first killed"],
)
def test_the_rest_ends_with_the_first(tmp_path, number, group):
    home, port = tmp_path / "home", free_port()
    # Itself is no business of a proxy's.
    proxies = {"HTTP_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "socks5://127.0.0.1:9"}
    with (tmp_path / "log").open("wb") as log:
        first = subprocess.Popen(
            [sys.executable, "-c", "from reglab.client.cli import main; main()", "serve"],
            env=os.environ | proxies | {"REGLAB_HOME": str(home), "REGLAB_PORT": str(port)},
            stdout=log,
            stderr=log,
            start_new_session=True,
            # Where the suite itself runs under nohup, a hangup would be ignored.
            preexec_fn=_hear_hangups,  # noqa: PLW1509 # no thread holds what it needs
        )
    url = f"http://127.0.0.1:{port}/v1"
    try:
        with httpx.Client(base_url=url, timeout=240, trust_env=False) as http:
            wait_until(lambda: "is ready" in (tmp_path / "log").read_text(), first)
            # Quiet until something goes wrong, whoever runs it.
            assert (tmp_path / "log").read_text().startswith("reglab is ready")
            long = {**SMALL, "training": {"epochs": 1_000_000, "batch_size": 8, "eval_every": 1000}}
            run = http.post("/experiments", json=long).json()["runs"][0]["id"]
            wait_until(lambda: http.get(f"/runs/{run}").json()["epoch"] > 0, first)
        (os.killpg if group else os.kill)(first.pid, number)
        first.wait(240)
    finally:
        if first.poll() is None:
            first.kill()
    gone = subprocess.Popen(["sleep", "600"])
    try:
        wait_until(lambda: of_this_folder(home) == [], gone)
    finally:
        gone.kill()
        gone.wait()
    bound_socket("127.0.0.1", port).close()
    handed_back(home, run)


def test_an_address_of_version_6_is_served(tmp_path):
    with Stack("::1", env={"REGLAB_HOME": str(tmp_path)}, logs=tmp_path / "logs") as stack:
        assert stack.url.startswith("http://[::1]:")
        assert httpx.get(f"{stack.url}/v1/presets", trust_env=False).is_success


@pytest.mark.parametrize("port", ["x", "0", "65536", "-1", "1.5", "٣", "9" * 5000])
def test_a_port_that_is_none_is_refused_by_name(port):
    with pytest.raises(SettingsError, match=r"REGLAB_PORT.*from 1 to 65535"):
        Policy.from_env({"REGLAB_PORT": port})


@pytest.mark.parametrize("module", ["reglab.api", "reglab.api.serve"])
def test_a_wrong_setting_ends_without_a_traceback(tmp_path, module):
    done = subprocess.run(
        [sys.executable, "-m", module],
        env=os.environ | {"REGLAB_HOME": str(tmp_path), "REGLAB_PORT": "x"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "REGLAB_PORT" in done.stderr
    assert "Traceback" not in done.stderr
