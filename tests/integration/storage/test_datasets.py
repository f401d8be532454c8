"""Datasets on every database: stored wholly or not at all, once, and read back as they came."""

from __future__ import annotations

import io
import threading

import pytest
from sqlalchemy import func, select

from reglab.core.presets import build
from reglab.core.storage import (
    NewDataset,
    NotFoundError,
    QuotaExceededError,
    Submission,
    WrongStateError,
)
from reglab.core.storage import datasets as module
from reglab.core.storage.dataset_files import DatasetFiles
from reglab.core.storage.models import DatasetChunk, StoredDataset
from reglab.core.tables import ReadOptions, TableError, address

MIB = 2**20
DATA = b"a,b\n" + b"1,2\n" * 500


def new(data=DATA, name="mine", **fields):
    identifier = address(io.BytesIO(data), "b", ReadOptions())
    empty = {
        "description": "",
        "tags": [],
        "options": {},
        "facts": {"n": 500},
        "preview": {"rows": []},
    }
    return NewDataset(
        **{"id": identifier, "name": name, "target": "b", "size": len(data)} | empty | fields
    )


def create(storage, data=DATA, limit=MIB, **fields):
    return storage.datasets.create(new(data, **fields), io.BytesIO(data), limit)


def rows(storage, model):
    with storage.engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(model))


def test_bytes_come_back_in_their_order(storage, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 300)
    made, is_new = create(storage, token_id="0123")
    assert is_new
    assert storage.datasets.get(made.id) == made
    assert storage.datasets.preview(made.id) == {"rows": []}
    chunks = list(storage.datasets.chunks(made.id))
    assert len(chunks) == 7
    assert b"".join(chunks) == DATA


def test_the_same_bytes_are_stored_once_by_however_many_at_once(storage):
    found = []

    def upload():
        found.append(create(storage))

    threads = [threading.Thread(target=upload) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(is_new for _, is_new in found) == [False] * 5 + [True]
    assert len({made.id for made, _ in found}) == 1
    assert rows(storage, StoredDataset) == rows(storage, DatasetChunk) == 1


def test_what_goes_wrong_leaves_nothing(storage):
    class Failing(io.BytesIO):
        def read(self, size=-1):
            if self.tell():
                raise OSError
            return super().read(300)

    with pytest.raises(OSError):  # noqa: PT011
        storage.datasets.create(new(), Failing(DATA), MIB)
    with pytest.raises(QuotaExceededError) as caught:
        create(storage, limit=len(DATA) - 1)
    assert caught.value.name == "datasets_bytes"
    assert rows(storage, StoredDataset) == rows(storage, DatasetChunk) == 0


def test_they_are_listed_by_pages_and_found_by_name_and_tag(storage):
    made = [create(storage, DATA + b"1,2\n" * at, name=f"set {at}")[0] for at in range(5)]
    storage.datasets.change(made[2].id, tags=["mine%", "b"], description="text", name="Renamed")
    pages, cursor = [], None
    while True:
        page = storage.datasets.find(limit=2, cursor=cursor)
        pages += [each.id for each in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert pages == [each.id for each in reversed(made)]
    assert [each.id for each in storage.datasets.find(tag="mine%").items] == [made[2].id]
    assert storage.datasets.find(tag="mine").items == []
    assert [each.name for each in storage.datasets.find(q="renAMED").items] == ["Renamed"]
    with pytest.raises(ValueError, match="Not a cursor"):
        storage.datasets.find(cursor="x")


def test_what_experiments_use_is_deleted_by_force_alone(storage):
    made, _ = create(storage)
    spec = build("l2", {"name": made.id})
    free, _ = create(storage, DATA + b"3,4\n")
    identifier, _ = storage.experiments.create(Submission.of(spec))
    # A name is no use of it.
    assert storage.datasets.users(made.id) == []
    storage.datasets.delete(free.id)
    with storage.engine.begin() as connection:
        table = module.Experiment.__table__
        document = {**spec.model_dump(mode="json"), "dataset": {"name": "uploaded", "id": made.id}}
        connection.execute(table.update().values(spec=document))
    assert storage.datasets.users(made.id) == [identifier]
    with pytest.raises(WrongStateError, match=identifier):
        storage.datasets.delete(made.id)
    storage.datasets.delete(made.id, force=True)
    assert rows(storage, StoredDataset) == rows(storage, DatasetChunk) == 0
    for call in (storage.datasets.get, storage.datasets.delete, storage.datasets.preview):
        with pytest.raises(NotFoundError):
            call(made.id)


def test_a_copy_is_fetched_once_and_a_damaged_one_anew(storage, tmp_path, monkeypatch):
    made, _ = create(storage)
    files = DatasetFiles(storage.datasets, tmp_path / "copies")
    assert files.read(made.id) == (DATA, "b", ReadOptions())
    copy = next((tmp_path / "copies").iterdir())
    fetched = storage.datasets.chunks
    monkeypatch.setattr(storage.datasets, "chunks", None)
    table = files.table(made.id)
    assert (len(table.frame), table.target) == (500, "b")
    monkeypatch.setattr(storage.datasets, "chunks", fetched)
    copy.write_bytes(copy.read_bytes()[:-1] + b"9")
    assert files.read(made.id)[0] == DATA
    assert copy.read_bytes().endswith(DATA)


def test_damaged_bytes_in_the_database_are_told(storage, tmp_path):
    made, _ = create(storage)
    with storage.engine.begin() as connection:
        connection.execute(DatasetChunk.__table__.update().values(data=DATA[:-2] + b"7\n"))
    with pytest.raises(TableError, match="damaged"):
        DatasetFiles(storage.datasets, tmp_path).read(made.id)
