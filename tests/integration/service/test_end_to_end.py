"""``reglab serve`` and a live service: HTTP, a real worker, the embedded broker, figures."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.harness.inline import SMALL
from tests.harness.servers import free_port

pytestmark = pytest.mark.slow


def ended(http, experiment, seconds=300):
    """The experiment once all its runs have ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        document = http.get(f"/experiments/{experiment}").json()
        if document["state"] not in ("queued", "running"):
            return document
        time.sleep(0.05)
    raise AssertionError(f"still {document['state']} after {seconds} s")


def of_this_folder(folder: Path) -> list[int]:
    """Processes whose environment names the folder as reglab's home."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if f"REGLAB_HOME={folder}".encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def test_a_submitted_experiment_is_trained_by_a_worker(http):
    made = http.post("/experiments", json={**SMALL, "seeds": [0, 1]}).json()
    document = ended(http, made["id"])
    assert document["state"] == "succeeded"
    assert http.get(f"/experiments/{made['id']}/figures/curves.png").status_code == 200


def test_same_spec_and_seed_give_the_same_bits(http):
    runs = []
    for _ in range(2):
        made = http.post("/experiments", json=SMALL).json()
        runs.append(ended(http, made["id"])["runs"][0]["id"])
    first, second = (http.get(f"/runs/{run}/weights").json()["matrices"] for run in runs)
    assert first == second


def seconds_to_cancel(http):
    long = {**SMALL, "training": {"epochs": 1_000_000, "batch_size": 8, "eval_every": 1000}}
    made = http.post("/experiments", json=long).json()
    run = f"/runs/{made['runs'][0]['id']}"
    while http.get(run).json()["epoch"] == 0:
        time.sleep(0.05)
    http.post(f"/experiments/{made['id']}/cancel").raise_for_status()
    began = time.monotonic()
    document = ended(http, made["id"])
    seconds = time.monotonic() - began
    assert document["state"] == "cancelled"
    curves = http.get(f"/experiments/{made['id']}/curves").json()
    assert curves["epoch"]
    assert http.delete(f"/experiments/{made['id']}").status_code == 204
    return seconds


def test_cancel_stops_a_running_training_within_a_second(http):
    # A machine that is busy otherwise may be late; then again.
    assert any(seconds_to_cancel(http) < 1.0 for _ in range(10))


def test_serve_stops_cleanly_on_ctrl_c_even_with_a_run_on(tmp_path):
    home, port = tmp_path / "home", free_port()
    environment = {"REGLAB_HOME": str(home), "REGLAB_PORT": str(port)}
    with (tmp_path / "log").open("wb") as log:
        served = subprocess.Popen(
            [sys.executable, "-m", "reglab.api.serve"],
            env=os.environ | environment,
            stdout=log,
            stderr=log,
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/v1", timeout=240) as http:
            wait_until(lambda: http.get("/presets").is_success, served)
            long = {**SMALL, "training": {"epochs": 1_000_000, "batch_size": 8, "eval_every": 1000}}
            run = http.post("/experiments", json=long).json()["runs"][0]["id"]
            wait_until(lambda: http.get(f"/runs/{run}").json()["epoch"] > 0, served)
        served.send_signal(signal.SIGINT)
        assert served.wait(120) == 0
    finally:
        served.kill()
    text = (tmp_path / "log").read_text()
    assert "Traceback" not in text, text
    assert of_this_folder(home) == []
    handed_back(home, run)


def wait_until(true, process, seconds=240):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, "it ended by itself"
        try:
            if true():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError("not in time")


def handed_back(home, run):
    """The interrupted run waits again, with a checkpoint to go on from."""
    from reglab.core.storage import Storage

    storage = Storage(f"sqlite:///{home / 'reglab.db'}")
    assert storage.runs.get(run).state == "queued"
    lease = storage.runs.lease(run, "test")
    assert lease.checkpoint is not None
    assert lease.checkpoint[1]["epoch"] > 0
    storage.close()


def test_a_taken_port_is_said(tmp_path):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        environment = {"REGLAB_HOME": str(tmp_path), "REGLAB_PORT": str(taken.getsockname()[1])}
        done = subprocess.run(
            [sys.executable, "-m", "reglab.api.serve"],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    assert done.returncode == 1
    assert "REGLAB_PORT" in done.stderr
    assert "Traceback" not in done.stderr
