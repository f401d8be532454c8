"""Experiments on uploaded data are carried to another server, with their data or without."""

from __future__ import annotations

import io
import json
import zipfile
from hashlib import sha256

import pytest

from reglab.core.exchange import archive
from tests.harness.inline import Inline
from tests.harness.uploads import store
from tests.integration.datasets.test_training import csv, iris, spec_of

ZIP = {"Content-Type": "application/zip"}


@pytest.fixture(scope="module")
def carried(tmp_path_factory):
    """A server, an ended experiment on a table, and what it exports with the data and without."""
    patch = pytest.MonkeyPatch()
    patch.setenv("REGLAB_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    home = Inline(tmp_path_factory.mktemp("home"))
    identifier = store(home, csv(iris()), "species")
    made = home.finished(spec_of(identifier, missing="indicator"))
    path = f"/v1/experiments/{made['id']}/export"
    files = {kind: home.http.get(path, params={"data": kind}).content for kind in ("file", "hash")}
    yield home, made, identifier, files
    home.storage.close()
    patch.undo()


@pytest.fixture
def elsewhere(tmp_path):
    made = Inline(tmp_path)
    yield made
    made.storage.close()


def predicted(server: Inline, run: str) -> dict:
    rows = iris().drop(columns="species").astype(object).where(iris().notna(), None)
    body = {"rows": rows.drop(columns="species", errors="ignore").to_dict("records")}
    reply = server.http.post(f"/v1/runs/{run}/predict", json=body)
    assert reply.status_code == 200, reply.text
    return reply.json()


@pytest.mark.parametrize("kind", ["file", "hash"])
def test_what_is_carried_predicts_the_same(carried, elsewhere, kind):
    home, made, identifier, files = carried
    reply = elsewhere.http.post("/v1/experiments/import", content=files[kind], headers=ZIP)
    assert reply.status_code == 201, reply.text
    run = made["runs"][0]["id"]
    assert predicted(elsewhere, run) == predicted(home, run)
    there = elsewhere.storage.datasets.known(identifier)
    assert (there is not None) == (kind == "file")
    if there is not None:
        stored = b"".join(elsewhere.storage.datasets.chunks(identifier))
        assert stored == csv(iris())
        assert there.name == "data"
        again = elsewhere.http.post("/v1/experiments/import", content=files[kind], headers=ZIP)
        assert again.status_code == 409
        # It was there before the import that was refused.
        assert elsewhere.storage.datasets.known(identifier) is not None


def test_classes_keep_their_numbers(carried, elsewhere):
    """2 stands before 10, also where names are sorted as texts."""
    home = carried[0]
    codes = iris()["species"].astype("category").cat.codes.map({0: 2, 1: 10, 2: 100})
    named = iris().assign(species=codes)
    made = home.finished(spec_of(store(home, csv(named), "species"), missing="indicator"))
    content = home.http.get(f"/v1/experiments/{made['id']}/export", params={"data": "file"}).content
    reply = elsewhere.http.post("/v1/experiments/import", content=content, headers=ZIP)
    assert reply.status_code == 201, reply.text
    run = made["runs"][0]["id"]
    there = predicted(elsewhere, run)
    assert there["classes"] == ["2", "10", "100"]
    assert there == predicted(home, run)


def changed(content: bytes, change) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        members = {name: packed.read(name) for name in packed.namelist()}
    change(members)
    manifest = json.loads(members.pop(archive.MANIFEST))
    manifest["files"] = {
        name: {"sha256": sha256(data).hexdigest(), "bytes": len(data)}
        for name, data in members.items()
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for name, data in {archive.MANIFEST: json.dumps(manifest).encode(), **members}.items():
            packed.writestr(name, data)
    return file.getvalue()


def other_facts(members):
    text = members["experiment.json"].decode()
    members["experiment.json"] = text.replace('"garden"', '"meadow"').encode()
    name = "runs/0000.json"
    members[name] = members[name].decode().replace('"garden"', '"meadow"').encode()


def other_numbers(members):
    document = json.loads(members["runs/0000.json"])
    document["summary"]["provenance"]["preprocessing"] = {"columns": [{"name": "x"}]}
    members["runs/0000.json"] = json.dumps(document).encode()


FAULTS = {
    "other bytes": ("dataset.bin", lambda members: members.update({"dataset.bin": b"{}"})),
    "no name": ("dataset.json", lambda members: members.update({"dataset.json": b'{"name": 3}'})),
    "no document": ("dataset.json", lambda members: members.pop("dataset.json")),
    "other facts": ("experiment.json", other_facts),
    "other fitted numbers": ("runs/0000.json", other_numbers),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_does_not_belong_together_is_refused_and_leaves_nothing(carried, elsewhere, fault):
    field, change = FAULTS[fault]
    content = changed(carried[3]["file"], change)
    reply = elsewhere.http.post("/v1/experiments/import", content=content, headers=ZIP)
    assert reply.status_code == 422, reply.text
    assert reply.json()["errors"][0]["field"] == field
    assert elsewhere.storage.datasets.known(carried[2]) is None
    assert elsewhere.get("/experiments")["items"] == []
