"""Results that runs have in common are stored once, and stay for whoever still refers to them."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from alembic import command
from sqlalchemy import func, select, text

from reglab.core.results import CURVE_COLUMNS
from reglab.core.storage import Quota, QuotaExceededError, Storage, codec
from reglab.core.storage.migrate import config, upgrade
from reglab.core.storage.models import Blob
from tests.integration.storage.test_reuse import CONTENT, assert_same_results, finish, runs, submit

LARGE = np.random.default_rng(0).normal(size=50_000)


def blobs(storage):
    """Number of blobs and their bytes."""
    with storage.engine.connect() as connection:
        return connection.execute(select(func.count(), func.sum(Blob.size))).one()


def train_large(storage, experiment):
    for record in runs(storage, experiment):
        lease = storage.runs.lease(record.id, "w")
        columns = dict.fromkeys(CURVE_COLUMNS, np.arange(3))
        arrays = {"x": LARGE, "y": LARGE + record.index}
        summary = {"engine_version": "1", "provenance": {"files": dict(CONTENT.files)}}
        storage.runs.finish(lease, columns, arrays, summary, 17)


def test_copies_and_equal_arrays_are_stored_once(storage):
    first = submit(storage)
    train_large(storage, first)
    # Both runs have x and the curves in common, and y of the first is x.
    number, size = blobs(storage)
    assert number == 3
    for _ in range(40):
        submit(storage)
    assert blobs(storage) == (number, size)


@pytest.mark.parametrize("order", ["first goes first", "last goes first"])
def test_deletion_leaves_what_others_have(storage, order):
    first = submit(storage)
    finish(storage, first)
    others = [submit(storage) for _ in range(3)]
    everyone = [first, *others]
    if order == "last goes first":
        everyone.reverse()
    while everyone:
        for one in everyone:
            for copy, original in zip(runs(storage, one), runs(storage, everyone[-1]), strict=True):
                assert_same_results(storage, copy.id, original.id)
        storage.experiments.delete(everyone.pop(0))
    assert blobs(storage) == (0, None)


def test_deletions_and_reuse_at_once_lose_and_leave_nothing(storage):
    """Half of the copies go while others are made: each that stays is whole, then all are gone."""
    first = submit(storage)
    finish(storage, first)
    sums = [storage.results.array_sums(run.id) for run in runs(storage, first)]
    copies = [submit(storage) for _ in range(6)]
    made, faults = [], []
    start = threading.Barrier(8)

    def delete(each):
        start.wait()
        try:
            storage.experiments.delete(each)
        except Exception as error:
            faults.append(error)

    def copy():
        start.wait()
        try:
            made.append(submit(storage))
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=delete, args=(each,)) for each in [first, *copies[:3]]]
    threads += [threading.Thread(target=copy) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    for each in copies[3:] + made:
        for run, expected in zip(runs(storage, each), sums, strict=True):
            if run.state == "succeeded":
                assert storage.results.array_sums(run.id) == expected
                assert len(storage.results.run(run.id).arrays["x"]) == 4
    for each in copies[3:] + made:
        storage.experiments.delete(each)
    assert blobs(storage) == (0, None)


def test_chunks_that_are_made_again_leave_nothing(storage):
    [run, _] = runs(storage, submit(storage))
    lease = storage.runs.lease(run.id, "w")
    for size in (2, 3, 4):
        columns = dict.fromkeys(CURVE_COLUMNS, np.arange(size))
        storage.runs.record(lease, size, 0.1, columns)
    assert blobs(storage)[0] == 1
    storage.runs.fail(lease, {"type": "x"}, retry=True)
    storage.runs.lease(run.id, "w")
    assert blobs(storage) == (0, None)


def test_what_a_token_holds_is_counted_once_and_bounded(storage):
    quota = Quota(1000, 1e9, 1_000_000)
    train_large(storage, submit(storage))
    with storage.engine.begin() as connection:
        connection.execute(text("UPDATE experiments SET token_id = 't'"))
    held = int(blobs(storage)[1])
    assert 500_000 < held < 1_000_000
    for _ in range(5):
        submit(storage, token_id="t", quota=quota)
    other = {"seeds": [7, 8, 9, 10]}
    train_large(storage, submit(storage, token_id="u", **other))
    with pytest.raises(QuotaExceededError) as raised:
        submit(storage, token_id="t", quota=Quota(1000, 1e9, held))
    assert raised.value.name == "stored_bytes"
    assert held < raised.value.found < held + 100_000
    assert len(storage.experiments.find().items) == 7
    # Another's results, when reused, are held by both.
    with pytest.raises(QuotaExceededError):
        submit(storage, token_id="t", quota=Quota(1000, 1e9, 2 * held), **other)
    submit(storage, token_id="t", quota=Quota(1000, 1e9, 5 * held), **other)


def test_an_upgrade_shares_what_was_copied_and_counts_it(empty_url):
    upgrade(empty_url)
    storage = Storage(empty_url)
    first = submit(storage)
    train_large(storage, first)
    copy = submit(storage)
    before = [storage.results.array_sums(run.id) for run in runs(storage, copy)]
    number, size = blobs(storage)
    held = stored(storage)
    storage.close()
    command.downgrade(config(empty_url), "0004")
    storage = Storage(empty_url)
    with storage.engine.connect() as connection:
        found = connection.execute(text("SELECT dtype, shape, sha256, data FROM arrays")).all()
        assert len(found) == 8
        shape = found[0][1] if isinstance(found[0][1], list) else [50_000]
        codec.decode(found[0][0], shape, found[0][2], bytes(found[0][3]))
    storage.close()
    upgrade(empty_url)
    storage = Storage(empty_url)
    assert blobs(storage) == (number, size)
    assert [storage.results.array_sums(run.id) for run in runs(storage, copy)] == before
    np.testing.assert_array_equal(
        storage.results.run(runs(storage, copy)[1].id).arrays["y"], LARGE + 1
    )
    assert [row[1] for row in stored(storage)] == pytest.approx([row[1] for row in held], rel=0.01)
    storage.experiments.delete(first)
    storage.experiments.delete(copy)
    assert blobs(storage) == (0, None)
    storage.close()


def stored(storage):
    with storage.engine.connect() as connection:
        query = text("SELECT id, stored_bytes FROM runs ORDER BY id")
        return connection.execute(query).all()
