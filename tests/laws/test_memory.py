"""No single accepted request makes the server grow by more than 200 MiB."""

from __future__ import annotations

import io
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest

from reglab.api.limits.work import THREADS
from reglab.core.results import CURVE_COLUMNS
from reglab.core.settings import Settings
from reglab.core.settings.limits import Limits
from reglab.core.spec import parse_spec
from reglab.core.storage import Storage, Submission
from reglab.core.storage.migrate import upgrade
from tests.harness.inline import Inline
from tests.harness.servers import free_port, wait_for

MOST_MIB = 200
POINTS = 1000
TINY = {
    "dataset": {"name": "two_moons", "train_size": 4, "test_size": 4},
    "model": {"hidden": [8]},
    "optimizer": {"schedule": {"lr": 0.1}},
}
WIDE = {
    "dataset": {"name": "digits"},
    "model": {"hidden": [3000, 3000]},
    "optimizer": {"schedule": {"lr": 0.1}},
    "training": {"epochs": 1, "batch_size": 32},
}
SUMMARY = {"final": dict.fromkeys(CURVE_COLUMNS, 0.5), "seconds": 1.0, "provenance": {}}


def curves_of(size: int, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    columns = {name: rng.random(size) for name in CURVE_COLUMNS}
    return columns | {"epoch": np.arange(size), "step": np.arange(size)}


def stored(storage: Storage, document, size: int) -> str:
    """An experiment with curves of this length and arrays of the spec's sizes, untrained."""
    spec = parse_spec(document)
    identifier, _ = storage.experiments.create(Submission.of(spec))
    curves, rng = curves_of(size), np.random.default_rng(1)
    while (claim := storage.runs.lease_next("test")) is not None:
        widths = spec.widths()
        arrays = {
            f"param.W{at}": rng.standard_normal((a, b), np.float32)
            for at, (a, b) in enumerate(itertools.pairwise(widths))
        }
        arrays |= {f"param.b{at}": np.zeros(b, np.float32) for at, b in enumerate(widths[1:])}
        count = spec.dataset.test_size
        arrays["test.logits"] = rng.standard_normal((count, spec.dataset.n_classes), np.float32)
        arrays["test.labels"] = np.zeros(count, np.int64)
        storage.runs.finish(claim, curves, arrays, SUMMARY, spec.training.epochs)
    return identifier


class Server:
    """A server of its own over a database that holds results at the limits."""

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, free_port()
        settings = Settings(home=home, database_url=f"sqlite:///{home / 'reglab.db'}")
        upgrade(settings.database_url)
        storage = Storage.of(settings)
        runs = Limits().points // POINTS
        training = {"epochs": POINTS - 1, "batch_size": 4}
        self.long = stored(
            storage, {**TINY, "training": training, "seeds": list(range(runs))}, POINTS
        )
        self.wide = stored(storage, WIDE, 2)
        self.run = storage.experiments.runs(self.wide)[0].id
        storage.close()
        env = {**os.environ, "REGLAB_HOME": str(home), "REGLAB_PORT": str(self.port)}
        self.child = subprocess.Popen(
            [sys.executable, "-m", "reglab.api"],
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}/v1", timeout=240)
        wait_for(lambda: self.http.get("/presets").status_code == 200)
        # The first picture brings Matplotlib, which stays.
        for path in (f"experiments/{self.wide}/figures/curves.png", f"runs/{self.run}"):
            assert self.http.get(path).status_code == 200

    def status(self, name: str) -> float:
        """A size from the kernel's account of the process, in MiB."""
        text = Path(f"/proc/{self.child.pid}/status").read_text()
        return int(re.search(rf"{name}:\s+(\d+)", text)[1]) / 1024

    def growth(self, path: str) -> tuple[httpx.Response, float]:
        """The answer, and by how much the process had grown at most before it was there, in MiB."""
        Path(f"/proc/{self.child.pid}/clear_refs").write_text("5")
        before = self.status("VmRSS")
        reply = self.http.get(path)
        return reply, self.status("VmHWM") - before

    def close(self) -> None:
        self.http.close()
        self.child.terminate()
        self.child.wait(240)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("needs Linux")
    made = Server(tmp_path_factory.mktemp("memory"))
    yield made
    made.close()


@pytest.mark.parametrize(
    "path",
    [
        "runs/{run}/weights?format=npz",
        "runs/{run}/weights?layer=2",
        "runs/{run}/predictions",
        "runs/{run}/predictions?format=npz",
        "runs/{run}/arrays/param.W1?format=npy",
        "runs/{run}/arrays/param.W2?format=parquet",
        "runs/{run}/calibration",
        "experiments/{long}/curves",
        "experiments/{long}/curves?max_points=1000000",
        "experiments/{long}/curves?format=csv&max_points=1000000",
        "experiments/{long}/curves?format=parquet&max_points=1000000",
        "experiments/{long}/curves?aggregate=seeds",
        "experiments/{long}/figures/curves.svg",
        "experiments/{long}",
    ],
)
def test_one_request_takes_little_memory(server, path):
    reply, grown = server.growth(path.format(run=server.run, long=server.long))
    assert reply.status_code == 200, reply.text
    assert grown < MOST_MIB, f"{grown:.0f} MiB"
    assert len(reply.content) < 100e6


def test_weights_that_are_too_many_for_json_are_refused_with_the_way(server):
    reply, grown = server.growth(f"runs/{server.run}/weights")
    assert reply.status_code == 422
    (error,) = reply.json()["errors"]
    assert error["field"] == "layer"
    assert "format=npz" in error["remedy"]
    assert grown < 50
    found = np.load(io.BytesIO(server.http.get(f"runs/{server.run}/weights?format=npz").content))
    assert {name: found[name].shape for name in found.files} == {
        "W0": (64, 3000), "W1": (3000, 3000), "W2": (3000, 10)
    }  # fmt: skip
    assert THREADS <= 4


def test_evaluations_are_limited_at_submission(inline: Inline):
    training = {"epochs": 1_000_000, "batch_size": 4}
    reply = inline.http.post("/v1/experiments", json={**TINY, "training": training})
    assert reply.status_code == 422
    (error,) = reply.json()["errors"]
    assert error["field"] == "training.eval_every"
    assert "1000001 times" in error["detail"]
    assert "REGLAB_MAX_POINTS" in error["remedy"]
    training["eval_every"] = 10
    assert inline.http.post(
        "/v1/experiments/estimate", json={**TINY, "training": training}
    ).is_success
    probes = {"boundary": {"resolution": 512, "snapshots": 200}}
    body = {**TINY, "training": training, "probes": probes}
    (error,) = inline.http.post("/v1/experiments", json=body).json()["errors"]
    assert error["field"] == "probes.boundary"


def test_curves_are_simplified_unless_all_is_asked_for(inline: Inline):
    identifier = stored(
        inline.storage, {**TINY, "training": {"epochs": 2999, "batch_size": 4}}, 3000
    )
    short = inline.get(f"/experiments/{identifier}/curves")
    assert len(short["epoch"]) <= 2000
    assert short["epoch"][0] == 0
    assert short["epoch"][-1] == 2999
    whole = inline.get(f"/experiments/{identifier}/curves", max_points=1_000_000)
    assert whole["test_loss"] == curves_of(3000)["test_loss"].tolist()
    assert max(short["test_loss"]) == max(whole["test_loss"])


def test_imports_are_held_to_the_same_number_of_points(inline: Inline, tmp_path_factory):
    document = {**TINY, "training": {"epochs": 1999, "batch_size": 4}}
    identifier = stored(inline.storage, document, 2000)
    exported = inline.http.get(f"/v1/experiments/{identifier}/export").content
    other = Inline(tmp_path_factory.mktemp("other"), Limits(rate=0, points=1999))
    headers = {"Content-Type": "application/zip"}
    reply = other.http.post("/v1/experiments/import", content=exported, headers=headers)
    other.storage.close()
    assert reply.status_code == 422
    assert "REGLAB_MAX_POINTS" in reply.json()["errors"][0]["remedy"]
