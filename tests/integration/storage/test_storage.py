"""One suite for every database: the state machine, fencing, fairness, results."""

from __future__ import annotations

import threading
import time
from urllib.parse import quote

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from reglab.core.results import STATES
from reglab.core.storage import (
    KeyConflictError,
    LeaseLostError,
    NotFoundError,
    Storage,
    WrongStateError,
)
from reglab.core.storage.migrate import is_current, upgrade
from reglab.core.storage.models import Base
from reglab.core.storage.states import experiment_state
from tests.harness.stored import columns, submit


def states(storage, experiment):
    return [run.state for run in storage.experiments.runs(experiment)]


def test_models_are_what_migrations_build(storage):
    assert is_current(storage.engine)
    with storage.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_upgrade_again_changes_nothing_and_keeps_data(storage, database_url):
    experiment = submit(storage)
    upgrade(database_url)
    assert storage.experiments.get(experiment).counts["queued"] == 3


def test_a_run_goes_from_queue_to_success(storage):
    experiment = submit(storage, runs=1)
    lease = storage.runs.lease_next("w")
    assert storage.experiments.get(experiment).state == "running"
    storage.runs.record(lease, 3, 0.3, columns(0, 4))
    arrays = {"x": np.arange(6, dtype=np.float32).reshape(2, 3), "n": np.array([2], np.uint8)}
    storage.runs.finish(lease, columns(4, 2), arrays, {"ece": 0.1})
    record = storage.experiments.get(experiment)
    assert (record.state, record.progress) == ("succeeded", 1.0)
    result = storage.results.run(lease.run_id)
    np.testing.assert_array_equal(result.curves["epoch"], np.arange(6))
    for name, array in arrays.items():
        np.testing.assert_array_equal(result.arrays[name], array)
        assert result.arrays[name].dtype == array.dtype
    assert result.summary == {"ece": 0.1}
    with pytest.raises(KeyError):
        result.arrays["none"]


def test_only_one_of_many_claims_a_run(storage):
    submit(storage, runs=5)
    leases = []

    def take():
        while (lease := storage.runs.lease_next(threading.current_thread().name)) is not None:
            leases.append(lease)

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(leases) == len({lease.run_id for lease in leases}) == 5


def test_writes_of_an_old_attempt_are_refused_and_leave_nothing(storage, clock):
    submit(storage, runs=1)
    old = storage.runs.lease_next("slow")
    clock.pass_lease(storage)
    assert storage.maintenance.reap(5).requeued == 1
    new = storage.runs.lease_next("fast")
    assert new.attempt == old.attempt + 1
    for write in (
        lambda: storage.runs.heartbeat(old),
        lambda: storage.runs.record(old, 1, 0.1, columns(0, 2)),
        lambda: storage.runs.finish(old, columns(0, 2), {"x": np.ones(1)}, {}),
        lambda: storage.runs.fail(old, {"type": "x"}, retry=True),
        lambda: storage.runs.release(old, 1),
        lambda: storage.runs.cancel(old),
    ):
        with pytest.raises(LeaseLostError):
            write()
    result = storage.results.run(old.run_id)
    assert len(result.curves["epoch"]) == 0
    assert list(result.arrays) == []
    storage.runs.finish(new, None, {}, {})
    assert storage.runs.get(new.run_id).state == "succeeded"


def test_a_checkpoint_and_its_columns_are_one(storage, clock):
    submit(storage, runs=1)
    lease = storage.runs.lease_next("a")
    storage.runs.record(lease, 4, 0.4, columns(0, 5), ({"theta": np.ones(3)}, {"epoch": 4}))
    storage.runs.record(lease, 7, 0.7, columns(5, 3))
    clock.pass_lease(storage)
    storage.maintenance.reap(5)
    again = storage.runs.lease_next("b")
    arrays, state = again.checkpoint
    assert state == {"epoch": 4}
    np.testing.assert_array_equal(arrays["theta"], np.ones(3))
    # What came after the checkpoint will be made again.
    np.testing.assert_array_equal(storage.results.run(lease.run_id).curves["epoch"], range(5))


def test_attempts_are_bounded_and_their_errors_kept(storage):
    experiment = submit(storage, runs=1)
    for expected in (True, False):
        lease = storage.runs.lease_next("w")
        assert storage.runs.fail(lease, {"type": "fault", "detail": "x"}, retry=True) is expected
    run = storage.experiments.runs(experiment)[0]
    assert run.state == "failed"
    assert [error["attempt"] for error in run.errors] == [1, 2]
    assert run.error["detail"] == "x"
    assert storage.experiments.retry(experiment) == [run.id]
    assert storage.runs.lease_next("w").attempt == 3


def test_lost_workers_exhaust_attempts_too(storage, clock):
    experiment = submit(storage, runs=1)
    for _ in range(2):
        storage.runs.lease_next("w")
        clock.pass_lease(storage)
        storage.maintenance.reap(5)
    run = storage.experiments.runs(experiment)[0]
    assert (run.state, run.error["type"]) == ("failed", "worker-lost")


def test_release_does_not_count_as_an_attempt(storage):
    submit(storage, runs=1)
    for _ in range(5):
        lease = storage.runs.lease_next("w")
        storage.runs.release(lease, 0)
    assert storage.runs.get(lease.run_id).state == "queued"


def test_cancel_reaches_waiting_and_running_runs(storage):
    experiment = submit(storage, runs=3)
    lease = storage.runs.lease_next("w")
    storage.experiments.cancel(experiment)
    assert states(storage, experiment) == ["running", "cancelled", "cancelled"]
    assert storage.runs.heartbeat(lease).cancel_requested
    storage.runs.cancel(lease)
    assert storage.experiments.get(experiment).state == "cancelled"
    with pytest.raises(WrongStateError):
        storage.experiments.cancel(experiment)
    assert len(storage.experiments.retry(experiment)) == 3


def test_retry_leaves_successes_alone(storage):
    experiment = submit(storage, runs=2)
    storage.runs.finish(storage.runs.lease_next("w"), None, {}, {})
    storage.runs.fail(storage.runs.lease_next("w"), {"type": "diverged"}, retry=False)
    assert len(storage.experiments.retry(experiment)) == 1
    assert states(storage, experiment) == ["succeeded", "queued"]
    with pytest.raises(WrongStateError):
        storage.experiments.retry(experiment)


def test_what_is_deleted_while_it_is_read_is_not_found(storage):
    experiment = submit(storage, runs=1)
    lease = storage.runs.lease_next("w")
    storage.runs.finish(lease, columns(0, 2), {"x": np.ones(3)}, {})
    result = storage.results.run(lease.run_id)
    assert "y" not in result.arrays
    storage.experiments.delete(experiment)
    with pytest.raises(NotFoundError):
        result.arrays["x"]
    with pytest.raises(NotFoundError):
        assert "y" in result.arrays


def test_delete_leaves_no_row_behind(storage):
    experiment = submit(storage, runs=2, key="k", tags=["t"])
    lease = storage.runs.lease_next("w")
    storage.runs.record(lease, 1, 0.1, columns(0, 2), ({"theta": np.ones(2)}, {}))
    with pytest.raises(WrongStateError):
        storage.experiments.delete(experiment)
    storage.runs.finish(lease, None, {"x": np.ones(2)}, {})
    storage.experiments.delete(experiment)
    with storage.engine.connect() as connection:
        # What happened stays counted.
        for table in set(Base.metadata.tables) - {"counters"}:
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 0
    with pytest.raises(NotFoundError):
        storage.experiments.get(experiment)


def test_a_long_experiment_does_not_starve_a_short_one(storage):
    long = submit(storage, runs=50)
    for _ in range(4):
        storage.runs.lease_next("w")
    short = submit(storage, runs=1)
    served = [storage.runs.lease_next("w").run.experiment_id for _ in range(3)]
    assert served.index(short) <= 1
    assert served.count(long) == 2


def test_messages_are_sent_again_only_when_workers_are_idle(storage):
    submit(storage, runs=3)
    assert storage.maintenance.reap(0.0).send == []
    storage.maintenance.seen("w", slots=1)
    time.sleep(0.01)
    assert 1 <= len(storage.maintenance.reap(0.0).send) <= 2
    storage.runs.lease_next("w")
    time.sleep(0.01)
    assert storage.maintenance.reap(0.0).send == []
    assert storage.maintenance.worker_age() < 5
    storage.maintenance.gone("w")
    assert storage.maintenance.worker_age() is None


def test_same_key_same_experiment_other_request_conflict(storage):
    first = submit(storage, key="k", request_hash="a")
    assert submit(storage, key="k", request_hash="a") == first
    with pytest.raises(KeyConflictError):
        submit(storage, key="k", request_hash="b")
    made = []
    threads = [
        threading.Thread(target=lambda: made.append(submit(storage, key="z", request_hash="a")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert len(set(made)) == 1
    assert len(storage.experiments.find().items) == 2


@pytest.mark.parametrize("sort", ["-created", "created", "name", "-name"])
def test_every_order_pages_through_all_even_after_a_deletion(storage, sort):
    names = ["b", "a", "b", "z ~é", "c", "a", "b"]
    made = {submit(storage, runs=1, name=name): name for name in names}
    seen, cursor = [], None
    while True:
        page = storage.experiments.find(limit=2, cursor=cursor, sort=sort)
        seen += [item.id for item in page.items]
        if len(seen) == 4:
            storage.experiments.delete(seen[3])
        cursor = page.next_cursor
        if cursor is None:
            break
        assert quote(cursor, safe="~") == cursor
    key = (lambda item: (made[item], item)) if sort.endswith("name") else None
    assert seen == sorted(made, key=key, reverse=sort.startswith("-"))
    other = "created" if sort.endswith("name") else "name"
    cursor = storage.experiments.find(limit=2, sort=sort).next_cursor
    with pytest.raises(ValueError, match="order"):
        storage.experiments.find(cursor=cursor, sort=other)


def test_tags_are_counted(storage):
    for tags in (["a", "b"], ["b"], []):
        submit(storage, runs=1, tags=tags)
    assert storage.experiments.tags() == {"b": 2, "a": 1}


def test_pages_hold_every_experiment_once_and_filters_agree(storage):
    made = [submit(storage, runs=1, name=f"Run {k} 50%", tags=[f"t{k % 2}"]) for k in range(7)]
    seen, cursor = [], None
    while True:
        page = storage.experiments.find(limit=3, cursor=cursor)
        seen += [item.id for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == made[::-1]
    find = storage.experiments.find
    assert {item.id for item in find(tag="t1").items} == set(made[1::2])
    assert [item.id for item in find(q="run 3").items] == [made[3]]
    assert len(find(q="0%").items) == 7
    assert find(q="_").items == []
    assert find(preset="dropout").items == []


def test_listing_by_state_agrees_with_the_derived_state(storage):
    for count in range(4):
        experiment = submit(storage, runs=3)
        for run in storage.experiments.runs(experiment)[:count]:
            lease = storage.runs.lease(run.id, "w")
            (storage.runs.finish(lease, None, {}, {}) if count != 2 else None)
    storage.experiments.cancel(submit(storage, runs=2))
    failing = submit(storage, runs=1)
    storage.runs.fail(storage.runs.lease(storage.experiments.runs(failing)[0].id, "w"), {}, False)
    everything = {item.id: item.state for item in storage.experiments.find().items}
    for state in STATES:
        found = {item.id for item in storage.experiments.find(state=state).items}
        assert found == {key for key, value in everything.items() if value == state}
    assert set(everything.values()) == set(STATES)


def test_experiment_state_is_terminal_only_when_all_runs_are():
    assert experiment_state({"queued": 1}) == "queued"
    assert experiment_state({"queued": 1, "succeeded": 1}) == "running"
    assert experiment_state({"failed": 1, "succeeded": 9}) == "failed"
    assert experiment_state({"cancelled": 1, "succeeded": 9}) == "cancelled"
    assert experiment_state({"succeeded": 9}) == "succeeded"


def test_damaged_arrays_are_noticed(storage):
    submit(storage, runs=1)
    lease = storage.runs.lease_next("w")
    storage.runs.finish(lease, None, {"x": np.ones(3)}, {})
    with storage.engine.begin() as connection:
        connection.execute(text("UPDATE arrays SET sha256 = 'x'"))
    with pytest.raises(ValueError, match="damaged"):
        storage.results.array(lease.run_id, "x")


def test_read_only_database_gives_a_clear_error(tmp_path):
    from reglab.core.storage import StorageUnavailableError

    path = tmp_path / "reglab.db"
    upgrade(f"sqlite:///{path}")
    readable = Storage(f"sqlite:///file:{path}?mode=ro&uri=true")
    assert readable.experiments.find().items == []
    with pytest.raises(StorageUnavailableError, match="readonly"):
        submit(readable)
