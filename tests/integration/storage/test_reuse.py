"""Equal finished runs are reused: whole copies, by content, safely at the same time."""

from __future__ import annotations

import dataclasses
import threading

import numpy as np
import pytest
from alembic import command

from reglab.core.presets import build
from reglab.core.results import CURVE_COLUMNS
from reglab.core.spec import expand
from reglab.core.storage import Content, Storage, Submission
from reglab.core.storage.migrate import config, upgrade

CONTENT = Content("1", {"images.gz": "abc"})


def submit(
    storage,
    content=CONTENT,
    force=False,
    values=(0.0, 0.001),
    token_id=None,
    quota=None,
    **changes,
):
    sweep = {"regularization.l2": list(values)}
    spec = build("l2", {"sweep": sweep, **changes})
    runs = expand(spec)
    contents = [content] * len(runs) if content else ()
    options = {"contents": contents, "force": force, "token_id": token_id, "quota": quota}
    return storage.experiments.create(Submission(spec, runs, preset="l2", **options))[0]


def finish(storage, experiment, engine="1", files=CONTENT.files):
    for record in storage.experiments.runs(experiment):
        lease = storage.runs.lease(record.id, "w")
        if lease is None:
            continue
        epochs = np.arange(3 + record.index)
        first = dict.fromkeys(CURVE_COLUMNS, epochs[:2])
        rest = dict.fromkeys(CURVE_COLUMNS, epochs[2:])
        storage.runs.record(lease, 1, 0.1, first)
        arrays = {"x": np.full(4, record.index, np.float32), "y": np.arange(3)}
        summary = {
            "ece": 0.1 * record.index,
            "engine_version": engine,
            "provenance": {"files": dict(files)},
        }
        storage.runs.finish(lease, rest, arrays, summary, 17)


def runs(storage, experiment):
    return storage.experiments.runs(experiment)


def assert_same_results(storage, copy, original):
    a, b = storage.results.run(copy), storage.results.run(original)
    assert a.summary == b.summary
    for name in CURVE_COLUMNS:
        np.testing.assert_array_equal(a.curves[name], b.curves[name])
    assert storage.results.array_sums(copy) == storage.results.array_sums(original)
    for name in b.arrays:
        np.testing.assert_array_equal(a.arrays[name], b.arrays[name])


def test_an_equal_run_gets_a_whole_copy_and_says_where_from(storage):
    first = submit(storage)
    finish(storage, first)
    second = submit(storage)
    assert storage.experiments.get(second).state == "succeeded"
    for copy, original in zip(runs(storage, second), runs(storage, first), strict=True):
        assert (copy.reused_from, copy.cached) == (original.id, True)
        assert (copy.progress, copy.epoch, copy.attempt) == (1.0, 17, 0)
        assert copy.finished_at is not None
        assert_same_results(storage, copy.id, original.id)
        assert not original.cached
    assert storage.runs.lease_next("w") is None


def test_only_what_is_equal_is_reused(storage):
    finish(storage, submit(storage))
    mixed = submit(storage, values=(0.0, 0.7))
    assert [run.state for run in runs(storage, mixed)] == ["succeeded", "queued"]
    others = {
        "seed": {"seeds": [3]},
        "spec": {"training.epochs": 7},
        "engine": {"content": Content("2", CONTENT.files)},
        "files": {"content": Content("1", {"images.gz": "xyz"})},
        "unknown": {"content": None},
        "forced": {"force": True},
    }
    for name, changes in others.items():
        states = {run.state for run in runs(storage, submit(storage, **changes))}
        assert states == {"queued"}, name


def test_what_the_worker_really_had_counts(storage):
    """A worker of another version, or with other files, than the server knew at submission."""
    for engine, files in (("0", CONTENT.files), ("1", {"images.gz": "other"})):
        finish(storage, submit(storage, force=True), engine, files)
        assert {run.state for run in runs(storage, submit(storage))} == {"queued"}
    good = submit(storage, force=True)
    finish(storage, good)
    assert {run.state for run in runs(storage, submit(storage))} == {"succeeded"}


def test_unfinished_failed_and_cancelled_runs_are_not_reused(storage):
    first = submit(storage, values=(0.0, 0.001, 0.002))
    one, two, _ = runs(storage, first)
    storage.runs.fail(storage.runs.lease(one.id, "w"), {"type": "x"}, retry=False)
    storage.runs.lease(two.id, "w")
    storage.experiments.cancel(first)
    again = submit(storage, values=(0.0, 0.001, 0.002))
    assert {run.state for run in runs(storage, again)} == {"queued"}


def test_copies_outlive_the_original_and_can_be_copied(storage):
    first = submit(storage)
    finish(storage, first)
    originals = runs(storage, first)
    second = submit(storage)
    storage.experiments.delete(first)
    third = submit(storage)
    for copy, again, gone in zip(
        runs(storage, second), runs(storage, third), originals, strict=True
    ):
        assert copy.reused_from == again.reused_from == gone.id
        assert_same_results(storage, again.id, copy.id)
        assert float(storage.results.run(again.id).arrays["x"][0]) == gone.index


def test_a_forced_run_is_reused_later(storage):
    finish(storage, submit(storage))
    forced = submit(storage, force=True)
    finish(storage, forced)
    latest = runs(storage, submit(storage))
    assert [run.reused_from for run in latest] == [run.id for run in runs(storage, forced)]


def in_threads(*jobs):
    failures = []

    def guarded(job):
        try:
            job()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_equal_submissions_at_the_same_time_all_end_right(storage):
    made = []
    in_threads(*[lambda: made.append(submit(storage)) for _ in range(6)])
    for experiment in made:
        finish(storage, experiment)
    assert {storage.experiments.get(one).state for one in made} == {"succeeded"}
    later = []
    in_threads(*[lambda: later.append(submit(storage)) for _ in range(6)])
    for experiment in later:
        for run in runs(storage, experiment):
            assert run.cached
            assert_same_results(storage, run.id, run.reused_from)


def race_with_a_deletion(storage):
    """Two submissions and the deletion of the run that they could reuse, all at once."""
    first = submit(storage, force=True)
    finish(storage, first)
    made = []
    in_threads(
        lambda: made.append(submit(storage)),
        lambda: storage.experiments.delete(first),
        lambda: made.append(submit(storage)),
    )
    return made


def test_an_original_deleted_at_the_same_time_leaves_whole_copies_or_none(storage):
    for _ in range(5):
        for experiment in race_with_a_deletion(storage):
            for run in runs(storage, experiment):
                result = storage.results.run(run.id)
                assert run.state == ("succeeded" if run.cached else "queued")
                assert len(result.curves["epoch"]) == (3 + run.index if run.cached else 0)
                assert sorted(result.arrays) == (["x", "y"] if run.cached else [])
            storage.experiments.delete(experiment)


def test_revision_2_keeps_the_data_of_revision_1_and_goes_back(storage, database_url):
    first = submit(storage, content=None)
    finish(storage, first)
    before = [dataclasses.asdict(run) for run in runs(storage, first)]
    storage.close()
    command.downgrade(config(database_url), "0001")
    upgrade(database_url)
    again = Storage(database_url)
    assert [dataclasses.asdict(run) for run in runs(again, first)] == before
    for run in runs(again, first):
        assert sorted(again.results.run(run.id).arrays) == ["x", "y"]
        assert len(again.results.run(run.id).curves["epoch"]) == 3 + run.index
    again.close()


@pytest.mark.parametrize("change", [{"seed": 1}, {"engine": "2"}, {"files": {}}, {"spec": 0.002}])
def test_the_key_depends_on_all_that_decides_the_result(change):
    run = expand(build("l2"))[0]
    other = dataclasses.replace(
        run,
        seed=change.get("seed", run.seed),
        spec=expand(build("l2"))[1].spec if "spec" in change else run.spec,
    )
    content = Content(change.get("engine", "1"), change.get("files", CONTENT.files))
    assert CONTENT.key(run) == CONTENT.key(dataclasses.replace(run, index=5, params={"a": 1}))
    assert content.key(other) != CONTENT.key(run)


def test_workers_leave_runs_of_newer_engines(storage):
    spec = build("l2", {"sweep": {}})
    runs = expand(spec)
    for engine in ("4", "3", "2"):
        storage.experiments.create(
            Submission(spec, runs, contents=[Content(engine, {})] * len(runs))
        )
    leases = [storage.runs.lease_next(f"w{k}", engine_version=3) for k in range(3)]
    assert [lease is None for lease in leases] == [False, False, True]
    assert storage.runs.lease_next("new", engine_version=4) is not None
