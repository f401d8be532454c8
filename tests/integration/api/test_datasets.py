"""Datasets over HTTP: uploaded once, listed with the built-in ones, changed and deleted."""

from __future__ import annotations

import json
import os
import re
import signal
import threading

import pytest

from reglab.core import datasets
from reglab.core.demo_table import TARGET, demo_table
from reglab.core.settings.limits import Limits
from reglab.core.tables import ReadOptions, TableError
from reglab.core.tables.isolated import IsolatedReader
from tests.harness import files
from tests.harness.inline import Inline

UNKNOWN = f"/v1/datasets/sha256:{'0' * 64}"


@pytest.fixture(scope="module")
def http(tmp_path_factory):
    made = Inline(
        tmp_path_factory.mktemp("datasets"), Limits(dataset_bytes=2**20, datasets_bytes=2**21)
    )
    yield made.http
    made.http.app.state.context.tables.close()
    made.storage.close()


def send(http, content, file_name="my table.csv", **document):
    return http.post(
        "/v1/datasets",
        files={"file": (file_name, content)},
        data={"document": json.dumps(document)} if document else None,
    )


def stored(http):
    return {row["id"]: row for row in http.get("/v1/datasets?kind=uploaded").json()["items"]}


@pytest.mark.parametrize("name", files.ALL)
def test_every_format_is_stored_once_and_shown(http, name):
    make, target = files.ALL[name]
    first = send(http, make(), target=target, tags=["of all"])
    assert first.status_code == 201, first.text
    body = first.json()
    assert first.headers["location"] == f"/v1/datasets/{body['id']}"
    assert http.get(first.headers["location"]).json() == body
    again = send(http, make(), "other name", target=target)
    assert (again.status_code, again.json()) == (200, body)
    shown = http.get(first.headers["location"] + "/preview").json()
    assert shown["classes"] == body["target"]["classes"]
    assert sum(each["count"] for each in shown["classes"]) == body["n"]
    assert stored(http)[body["id"]]["n_classes"] == len(shown["classes"])


def test_another_target_or_option_is_another_dataset(http):
    data = files.csv()
    ids = {
        send(http, data, **document).json()["id"]
        for document in (
            {"target": "y"},
            {"target": "city"},
            {},
            {"target": "y", "options": {"text": ["age"]}},
        )
    }
    assert len(ids) == 4
    # What holds without saying so is no option.
    same = send(http, data, target="y", options={"format": None, "header": True})
    assert same.json()["id"] in ids


def test_they_are_listed_behind_the_built_in_ones(http):
    ids = [send(http, files.csv() + b"1,2,Bern,True,no\n" * at, target="y").json()["id"]
           for at in (2, 3, 4)]  # fmt: skip
    first = http.get("/v1/datasets", params={"limit": 2}).json()
    names = [row["name"] for row in first["items"] if row["kind"] == "builtin"]
    assert names == [row["name"] for row in datasets.catalog()]
    found = [row["id"] for row in first["items"] if row["kind"] == "uploaded"]
    assert found == ids[:0:-1]
    rest = http.get("/v1/datasets", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert rest["items"][0]["id"] == ids[0]
    assert {row["kind"] for row in rest["items"]} == {"uploaded"}
    only = http.get("/v1/datasets", params={"kind": "builtin", "q": "MOONS"}).json()
    assert [row["name"] for row in only["items"]] == ["two_moons"]
    assert re.fullmatch(r"[0-9a-z~-]+", first["next_cursor"])
    beyond, nul = f"{10**18}~{64 * '0'}", f"{10**15}~\0"
    for cursor in ("x", beyond, nul, first["next_cursor"].partition("~")[0]):
        wrong = http.get("/v1/datasets", params={"cursor": cursor})
        assert wrong.status_code in (400, 422), wrong.text
        assert wrong.headers["content-type"] == "application/problem+json"
    assert wrong.json()["errors"][0]["field"] == "cursor"


def test_names_are_changed_and_data_deleted(http):
    made = send(http, b"a,b\n1,x\n2,y\n3,x\n4,y\n", target="b").json()
    address = f"/v1/datasets/{made['id']}"
    assert made["name"] == "my table.csv"
    change = {"name": "Mine", "description": "Text", "tags": ['é"']}
    assert http.patch(address, json=change).json() == made | change
    tagged = http.get("/v1/datasets", params={"tag": 'é"'}).json()["items"]
    assert [row["id"] for row in tagged] == [made["id"]]
    assert http.patch(address, json={"target": "a"}).status_code == 422
    assert http.patch(address, json={"tags": [""]}).status_code == 422
    assert http.delete(address).status_code == 204
    for path in ("", "/preview"):
        assert http.get(address + path).status_code == 404
    assert made["id"] not in stored(http)


def test_what_cannot_be_read_is_told_and_not_stored(http):
    before = stored(http)
    for content, field in (
        (b"", "file"),
        (b"a,b\n1,2\n3\n", "file[3]"),
        (b"a,y\n1,x\n2,x\n", "file.y"),
        (b"a,b\n1,2\n3,4\n", "file.y"),
        (b"PAR1" + bytes(30), "file"),
    ):
        reply = send(http, content, target="y")
        assert reply.status_code == 422, reply.text
        assert [error["field"] for error in reply.json()["errors"]] == [field]
    assert stored(http) == before


def test_what_is_no_upload_is_refused(http):
    table = {"file": ("a.csv", files.csv())}
    document = {"name": "", "options": {"separator": "x", "other": 1}}
    for reply, status, field in (
        (http.post("/v1/datasets", json={}), 415, "Content-Type"),
        (http.post("/v1/datasets", files={"data": table["file"]}), 422, "data"),
        (http.post("/v1/datasets", files={"document": ("a", b"{}")}), 422, "file"),
        (http.post("/v1/datasets", files=table, data={"document": "{"}), 400, "document"),
        (http.post("/v1/datasets", files=table, data={"document": "[]"}), 422, "body"),
        (send(http, files.csv(), **document), 422, "name"),
        (send(http, files.csv(), target="no\0"), 400, "target"),
        (http.post("/v1/datasets", files=table, data={"a": "1", "document": "{}"}), 400, "body"),
        (http.get("/v1/datasets/two_moons"), 404, "dataset_id"),
        (http.get(UNKNOWN), 404, "id"),
        (http.delete(UNKNOWN), 404, "id"),
    ):
        assert reply.status_code == status, reply.text
        assert reply.json()["errors"][0]["field"] == field


def test_limits_of_bytes_hold_and_name_their_variables(http):
    row = b"1,2,3\n"
    large = send(http, b"a,b,y\n" + row * (2**20 // len(row)), target="y")
    assert large.status_code == 413
    assert "REGLAB_MAX_DATASET_BYTES is 1048576" in large.json()["errors"][0]["remedy"]
    beyond = send(http, bytes(2**21), target="y")
    assert beyond.status_code == 413
    before = stored(http)
    half = b"a,y\n" + b"1.25,x\n2.5,z\n" * 60_000
    made = [send(http, half + b"9,x\n" * at, target="y") for at in (1, 2, 3)]
    assert [reply.status_code for reply in made] == [201, 201, 413]
    error = made[2].json()["errors"][0]
    assert "REGLAB_MAX_DATASETS_BYTES is 2097152" in error["remedy"]
    for reply in made[:2]:
        assert http.delete(reply.headers["location"]).status_code == 204
    assert stored(http) == before


def test_the_demo_table_is_of_500_rows_with_gaps_and_categories(http):
    body = send(http, demo_table().encode(), target=TARGET).json()
    kinds = {each["name"]: each["kind"] for each in body["features"]}
    assert body["n"] == 500
    assert set(kinds.values()) == {"id-like", "category", "number"}
    assert sum(each["missing"] for each in body["features"]) == demo_table().count(",,")
    assert demo_table() == demo_table()


@pytest.fixture(scope="module")
def reader():
    made = IsolatedReader()
    yield made
    made.close()


def test_reading_is_bounded_in_memory_and_time(reader, tmp_path, monkeypatch):
    path = tmp_path / "file"
    for bound, value, pairs in (("_memory", 2**22, 400_000), ("_seconds", 1, 6_000_000)):
        path.write_bytes(b"a,y\n" + b"1,x\n2,z\n" * pairs)
        with monkeypatch.context() as patched:
            patched.setattr(reader, bound, value)
            with pytest.raises(TableError, match="takes more"):
                reader.read(path, "y", ReadOptions())
        # The next file is read as if nothing had been.
        path.write_bytes(files.csv())
        assert reader.read(path, "y", ReadOptions()).facts.n == files.ROWS


def test_a_process_that_somebody_ended_is_started_again(reader, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(files.csv())
    first = reader.read(path, "y", ReadOptions())
    os.kill(reader._process.pid, signal.SIGKILL)
    reader._process.wait()
    assert reader.read(path, "y", ReadOptions()) == first


def test_others_are_answered_while_a_file_is_read(http):
    reader = http.app.state.context.tables
    began, release = threading.Event(), threading.Event()
    whole = reader.read

    def slow(*arguments):
        began.set()
        assert release.wait(240)
        return whole(*arguments)

    object.__setattr__(reader, "read", slow)
    replies = []
    sending = threading.Thread(
        target=lambda: replies.append(send(http, files.csv(), target="member"))
    )
    sending.start()
    try:
        assert began.wait(240)
        assert http.get("/v1/datasets").status_code == 200
        assert not replies
    finally:
        release.set()
        sending.join()
        object.__setattr__(reader, "read", whole)
    assert replies[0].status_code == 201
