"""Imports from strangers: whatever is sent, no fault, no half, and nothing that breaks later."""

from __future__ import annotations

import io
import os
import struct
import time
import tracemalloc
import warnings
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from reglab.core.exchange.archive import ArchiveError, read
from tests.harness.fuzz import inputs, tell
from tests.harness.inline import UNHURRIED, Inline
from tests.integration.security import archives

HEADERS = {"Content-Type": "application/zip"}
# A busy machine included.
SLOW_SECONDS = 120
OF_EXPERIMENT = ("", "/runs", "/curves", "/curves?aggregate=seeds", "/ece", "/claims", "/figures")
OF_RUN = ("", "/calibration", "/boundary", "/weights", "/spectrum", "/predictions")


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """Exports of runs that together store every array there is, and of one that diverged."""
    source = Inline(tmp_path_factory.mktemp("source"))
    found = archives.Corpus()
    for spec in archives.SPECS:
        made = source.submit(spec)
        told = source.train_as_told()
        assert set(told) == ({"diverged"} if spec is archives.DIVERGED else {"succeeded"})
        found.append(source.http.get(f"/v1/experiments/{made['id']}/export").content)
    source.storage.close()
    return found


@pytest.fixture(scope="module")
def unpacked(exports):
    return archives.Corpus(archives.unzip(content) for content in exports)


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    made = Inline(tmp_path_factory.mktemp("target"), UNHURRIED.model_copy(update={"runs": 100}))
    yield made
    made.storage.close()


def rows(target):
    with target.storage.engine.connect() as connection:
        return [
            connection.execute(text(f"SELECT count(*) FROM {table}")).scalar()
            for table in ("experiments", "runs", "arrays", "metric_chunks", "tags")
        ]


def send(target, content):
    began = time.monotonic()
    reply = target.http.post("/v1/experiments/import", content=content, headers=HEADERS)
    assert time.monotonic() - began < SLOW_SECONDS
    assert reply.status_code in (201, 422), reply.text
    if reply.status_code == 422:
        error = reply.json()["errors"][0]
        assert error["field"]
        assert error["detail"]
        assert error["remedy"]
    return reply


def used(target, experiment):
    """Everything that can be asked of it, drawn and exported included; no fault."""
    base = f"/v1/experiments/{experiment['id']}"
    paths = [base + rest for rest in OF_EXPERIMENT]
    figures = target.http.get(f"{base}/figures")
    assert figures.status_code == 200, figures.text
    drawn = [figure["name"] for figure in figures.json()["items"] if figure["available"]]
    paths += [f"{base}/figures/{name}.png" for name in drawn]
    for run in experiment["runs"]:
        paths += [f"/v1/runs/{run['id']}{rest}" for rest in OF_RUN]
    ids = [run["id"] for run in experiment["runs"]]
    paths.append(f"/v1/compare?runs={ids[0]},{ids[-1]}")
    paths += [f"{base}/export", f"/v1/report?experiment={experiment['id']}", "/v1/experiments"]
    paths += ["/", f"/experiments/{experiment['id']}", f"/compare?runs={','.join(ids)}"]
    for path in paths:
        assert target.http.get(path).status_code < 500, path


def tried(target, content, what):
    """Send it; a refusal leaves nothing, an acceptance can be used and is removed again."""
    reply = send(target, content)
    tell(what, {201: "accepted", 422: "refused"}[reply.status_code])
    if reply.status_code == 201:
        experiment = reply.json()
        try:
            used(target, experiment)
        finally:
            deleted = target.http.delete(f"/v1/experiments/{experiment['id']}")
            assert deleted.status_code == 204
    assert rows(target) == [0] * 5


def test_exports_are_taken_and_can_be_used(target, exports):
    for content in exports:
        tried(target, content, "exports as they are")


@given(data=st.data())
@inputs(20)
def test_damaged_files(target, exports, data):
    tried(target, data.draw(archives.damaged(exports)), "damaged archives")


@given(data=st.data())
@inputs(16)
def test_forged_files(target, unpacked, data):
    tried(target, data.draw(archives.forged(unpacked)), "forged archives")


@given(content=st.binary(max_size=2000))
@inputs(20)
def test_anything_at_all(target, content):
    tried(target, content, "bytes as imports")


def zipped(entries, method=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method, compresslevel=9) as packed:
        for entry, content in entries:
            packed.writestr(entry, content)
    return buffer.getvalue()


def symlink():
    entry = zipfile.ZipInfo("experiment.json")
    entry.external_attr = 0o120777 << 16
    return zipped([(entry, "/etc/passwd")])


def many_entries():
    return zipped([(f"figures/{at}.png", b"") for at in range(20_000)], zipfile.ZIP_STORED)


def twice():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return zipped([("experiment.json", "{}"), ("experiment.json", "{}")])


def overlapping_arrays():
    """Every entry of the inner zip is the same megabyte."""
    content = archives.npz({"a": bytes(10**6)})
    directory = content[content.rindex(b"PK\1\2") : content.rindex(b"PK\5\6")]
    entries = b"".join(
        directory.replace(b"a.npy", b"%c.npy" % letter) for letter in range(ord("a"), ord("z"))
    )
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 25, 25, len(entries), 10**6 + 35, 0)
    return content[: content.index(directory)] + entries + end


def with_long_end():
    content = bytearray(zipped([("experiment.json", "{}")]))
    at = content.rindex(b"PK\5\6")
    content[at:at] = b"PK\6\7" + bytes(16)
    return bytes(content)


BOMBS = {
    "a ratio of a thousand": lambda: zipped([("figures/a.png", bytes(10**7))]),
    "more than may come out": lambda: zipped(
        [(f"figures/{at}.png", os.urandom(10**6) * 3) for at in range(10)]
    ),
    "twenty thousand entries": many_entries,
    "a zip in a zip": lambda: zipped([("figures/a.png", zipped([("b", bytes(10**7))]))]),
    "a symbolic link": symlink,
    "the same name twice": twice,
    "a 64-bit end": with_long_end,
    "a comment": lambda: zipped([("experiment.json", "{}")])[:-2] + b"\2\0hi",
    "another method": lambda: zipped([("experiment.json", "{}")], zipfile.ZIP_LZMA),
    "encrypted": lambda: zipped([("experiment.json", "{}")]).replace(
        b"PK\1\2\x14\x03\x14\0\0\0", b"PK\1\2\x14\x03\x14\0\1\0"
    ),
    "nothing": lambda: b"",
}


@pytest.mark.parametrize("kind", BOMBS)
def test_bombs_take_no_memory(tmp_path, kind):
    limits = UNHURRIED.model_copy(update={"unpacked_bytes": 2 * 10**7})
    served = Inline(tmp_path, limits)
    content = BOMBS[kind]()
    tracemalloc.start()
    try:
        reply = send(served, content)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert reply.status_code == 422
    assert peak < 3 * len(content) + 5 * limits.unpacked_bytes
    assert rows(served) == [0] * 5
    served.storage.close()


def test_arrays_that_share_bytes_are_refused(target, unpacked):
    members = {**unpacked[0], "runs/0000.arrays.npz": overlapping_arrays()}
    reply = send(target, archives.rezip(members))
    assert reply.status_code == 422
    assert "overlap" in reply.text


def test_what_is_refused_for_its_size_names_the_settings(target):
    limits = UNHURRIED.model_copy(update={"unpacked_ratio": 2})
    file = io.BytesIO(zipped([("figures/a.png", bytes(10**6))]))
    with pytest.raises(ArchiveError, match="REGLAB_MAX_UNPACKED_RATIO is 2"):
        read(file, limits)


def test_imports_at_once_are_few(tmp_path):
    served = Inline(tmp_path, UNHURRIED.model_copy(update={"imports": 1}))
    streams = served.http.app.state.context.streams
    with streams.place("imports", "someone"):
        reply = served.http.post("/v1/experiments/import", content=b"x", headers=HEADERS)
    assert reply.status_code == 429
    assert "REGLAB_MAX_IMPORTS is 1" in reply.text
    assert send(served, b"x").status_code == 422
    assert streams.open("imports") == 0
