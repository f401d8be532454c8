"""The stamp of an experiment's results: what pictures of it are kept by."""

from __future__ import annotations

import pytest

from reglab.core.storage import NotFoundError
from tests.harness.stored import columns, submit


def test_stamp_changes_with_every_run_that_succeeds(storage):
    experiment = submit(storage, runs=2)
    seen = [storage.results.stamp(experiment)]
    while (lease := storage.runs.lease_next("w")) is not None:
        storage.runs.record(lease, 3, 0.3, columns(0, 4))
        assert storage.results.stamp(experiment) == seen[-1]
        storage.runs.finish(lease, columns(4, 2), {}, {})
        seen.append(storage.results.stamp(experiment))
    assert [len(stamp) for stamp in seen] == [0, 1, 2]
    assert storage.results.stamp(experiment) == seen[-1]
    runs = [run.id for run in storage.experiments.runs(experiment)]
    assert [row[0] for row in seen[-1]] == runs


def test_stamp_of_nothing_is_not_found(storage):
    with pytest.raises(NotFoundError):
        storage.results.stamp("none")
