"""Export and import: nothing is lost on the way, and nothing bad comes in."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import struct
import zipfile

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient

from reglab.api.app import create_app
from reglab.client import Client, ConflictError, InvalidFileError, InvalidRequestError
from reglab.core.settings import Settings
from reglab.core.settings.limits import Limits
from reglab.core.storage.migrate import upgrade
from tests.integration.client.conftest import SMALL

SOURCE = {"cached", "reused_from"}


@pytest.fixture(scope="module")
def exported(server, finished, tmp_path_factory) -> bytes:
    with Client(server) as client:
        return client.get(finished).export(tmp_path_factory.mktemp("export")).read_bytes()


@pytest.fixture
def elsewhere(tmp_path):
    """Another server, with an empty database."""
    settings = Settings.from_env({"REGLAB_HOME": str(tmp_path)})
    upgrade(settings.database_url)
    with TestClient(create_app(settings)) as http:
        yield http


def send(http, content: bytes) -> httpx.Response:
    headers = {"Content-Type": "application/zip"}
    return http.post("/v1/experiments/import", content=content, headers=headers)


def unzip(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def rezip(members: dict[str, bytes], resum: bool = True) -> bytes:
    """A zip of these files; with ``resum`` its manifest fits them, as a forger would make it."""
    if resum:
        manifest = json.loads(members["manifest.json"])
        manifest["files"] = {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
            for name, data in members.items()
            if name != "manifest.json"
        }
        members = {**members, "manifest.json": json.dumps(manifest).encode()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            packed.writestr(name, data)
    return buffer.getvalue()


def carried(document):
    """What an export is to carry: not the time of a change, nor a source on the other server."""
    kept = {key: document[key] for key in document if key not in {"updated_at", *SOURCE}}
    rows = "runs" if "runs" in kept else "items"
    if isinstance(kept.get(rows), list):
        kept[rows] = [{k: v for k, v in row.items() if k not in SOURCE} for row in kept[rows]]
    return kept


def test_all_answers_are_the_same_elsewhere(exported, elsewhere, server, finished):
    reply = send(elsewhere, exported)
    assert reply.status_code == 201, reply.text
    assert reply.headers["Location"] == f"/v1/experiments/{finished}"
    paths = [f"/v1/experiments/{finished}{rest}" for rest in ("", "/curves", "/ece", "/runs")]
    for run in reply.json()["runs"]:
        measures = ("", "/calibration", "/boundary", "/weights", "/spectrum", "/predictions")
        paths += [f"/v1/runs/{run['id']}{rest}" for rest in measures]
    for path in paths:
        here, there = httpx.get(server + path).json(), elsewhere.get(path).json()
        assert carried(here) == carried(there), path
    for name in ("curves", "boundaries"):
        path = f"/v1/experiments/{finished}/figures/{name}.png"
        assert elsewhere.get(path).content == httpx.get(server + path).content


def test_clients_carry_an_experiment_over(client, resolve, tmp_path):
    made = resolve(client.submit(SMALL, {"training.epochs": 2}))
    with pytest.raises(ConflictError):
        resolve(
            resolve(
                client.submit(SMALL, {"training.epochs": 900_000, "training.eval_every": 100})
            ).export(tmp_path)
        )
    resolve(resolve(client.get(next(iter(resolve(client.list(limit=1)))))).cancel())
    resolve(made.wait(timeout=240, progress=False))
    path = resolve(made.export(tmp_path))
    before = resolve(made.ece()).to_dict()
    with pytest.raises(ConflictError, match="already"):
        resolve(client.import_experiment(path))
    resolve(made.delete())
    again = resolve(client.import_experiment(path))
    assert again.id == made.id
    assert resolve(again.ece()).to_dict() == before
    with pytest.raises(InvalidFileError):
        resolve(client.import_experiment(tmp_path / "absent.zip"))
    (tmp_path / "other.zip").write_bytes(b"PK nonsense")
    with pytest.raises(InvalidRequestError, match="zip"):
        resolve(client.import_experiment(tmp_path / "other.zip"))


def test_the_file_is_what_it_says(exported, server, finished):
    members = unzip(exported)
    assert set(json.loads(members["manifest.json"])["files"]) == set(members) - {"manifest.json"}
    assert members["figures/curves.png"].startswith(b"\x89PNG")
    curves = np.load(io.BytesIO(members["runs/0000.curves.npz"]), allow_pickle=False)
    arrays = np.load(io.BytesIO(members["runs/0001.arrays.npz"]), allow_pickle=False)
    wanted = httpx.get(f"{server}/v1/experiments/{finished}/curves").json()
    assert curves["test_loss"].tolist() == wanted["test_loss"][: len(curves["epoch"])]
    assert arrays["param.W0"].shape == (2, 8)
    assert httpx.get(f"{server}/v1/experiments/{finished}/export", timeout=240).content == exported


def npz(**arrays: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, data in arrays.items():
            packed.writestr(f"{name}.npy", data)
    return buffer.getvalue()


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def lying_npy() -> bytes:
    header = repr({"descr": "<f4", "fortran_order": False, "shape": (2**60,)}).encode()
    header += b" " * (117 - len(header)) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header


def edit(members, name, **changes):
    document = json.loads(members[name])
    document.update(changes)
    return {**members, name: json.dumps(document).encode()}


def with_array(members, name, array):
    stored = np.load(io.BytesIO(members["runs/0000.arrays.npz"]))
    arrays = {key: npy(stored[key]) for key in stored.files}
    if array is None:
        arrays.pop(name)
    else:
        arrays[name] = array if isinstance(array, bytes) else npy(array)
    return {**members, "runs/0000.arrays.npz": npz(**arrays)}


def without(members, name):
    return {key: data for key, data in members.items() if key != name}


FORGERIES = {
    "path traversal": lambda m: {**m, "../../etc/passwd": b"x"},
    "absolute path": lambda m: {**m, "/etc/passwd": b"x"},
    "foreign file": lambda m: {**m, "runs/0000.py": b"x"},
    "other format": lambda m: edit(m, "manifest.json", format="other"),
    "later version": lambda m: edit(m, "manifest.json", version=2),
    "no manifest": lambda m: without(m, "manifest.json"),
    "no curves": lambda m: without(m, "runs/0001.curves.npz"),
    "a run too few": lambda m: {k: v for k, v in m.items() if not k.startswith("runs/0001")},
    "bad id": lambda m: edit(m, "experiment.json", id="1"),
    "unknown field": lambda m: edit(m, "experiment.json", owner="me"),
    "bad spec": lambda m: edit(m, "experiment.json", spec={}),
    "not JSON": lambda m: {**m, "experiment.json": b"{"},
    "JSON with NaN": lambda m: {**m, "runs/0000.json": b'{"progress": NaN}'},
    "other seed": lambda m: edit(m, "runs/0000.json", seed=5),
    "other params": lambda m: edit(m, "runs/0000.json", params={"regularization.l2": 1.0}),
    "running": lambda m: edit(m, "runs/0000.json", state="running"),
    "no summary": lambda m: edit(m, "runs/0000.json", summary=None),
    "pickle": lambda m: with_array(m, "param.W0", npy(np.array([{}], dtype=object))),
    "pickle as npz": lambda m: {**m, "runs/0000.arrays.npz": pickle.dumps({})},
    "lying header": lambda m: with_array(m, "extra", lying_npy()),
    "text array": lambda m: with_array(m, "extra", np.array(["a"])),
    "array name": lambda m: with_array(m, "../x", np.zeros(1, np.float32)),
    "missing parameter": lambda m: with_array(m, "param.W0", None),
    "wrong shape": lambda m: with_array(m, "param.W0", np.zeros((3, 8), np.float32)),
    "missing logits": lambda m: with_array(m, "test.logits", None),
    "labels out of range": lambda m: with_array(m, "test.labels", np.full(60, 9, np.uint8)),
}


@pytest.mark.parametrize("kind", FORGERIES)
def test_forgeries_are_refused_and_leave_nothing(exported, elsewhere, kind):
    members = FORGERIES[kind](unzip(exported))
    reply = send(elsewhere, rezip(members, resum="manifest.json" in members))
    assert reply.status_code == 422, reply.text
    problem = reply.json()["errors"][0]
    assert problem["field"]
    assert problem["detail"]
    assert problem["remedy"]
    assert elsewhere.get("/v1/experiments").json()["items"] == []


@pytest.mark.parametrize("name", ["experiment.json", "runs/0000.arrays.npz", "figures/curves.png"])
def test_damage_is_found_by_its_sum(exported, elsewhere, name):
    members = unzip(exported)
    data = bytearray(members[name])
    data[len(data) // 2] ^= 1
    reply = send(elsewhere, rezip({**members, name: bytes(data)}, resum=False))
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["field"] == name
    assert "checksum" in reply.json()["detail"]


def test_sizes_are_bounded(exported, tmp_path):
    settings = Settings.from_env({"REGLAB_HOME": str(tmp_path)})
    upgrade(settings.database_url)
    limits = Limits(unpacked_bytes=10_000, import_bytes=1_000_000)
    elsewhere = TestClient(create_app(settings, limits=limits))
    bomb = rezip({**unzip(exported), "figures/bomb.png": bytes(10_000_000)})
    assert "unpacks" in send(elsewhere, bomb).json()["detail"]
    assert send(elsewhere, bytes(2_000_000)).status_code == 413
    reply = elsewhere.post("/v1/experiments/import", json={})
    assert reply.status_code == 415


def test_taken_run_ids_undo_the_whole_import(exported, elsewhere):
    assert send(elsewhere, exported).status_code == 201
    other = "01a20e8c-cfe5-759a-82b0-fdfa1ca8176f"
    reply = send(elsewhere, rezip(edit(unzip(exported), "experiment.json", id=other)))
    assert reply.status_code == 409
    assert elsewhere.get(f"/v1/experiments/{other}").status_code == 404
    assert len(elsewhere.get("/v1/experiments").json()["items"]) == 1
