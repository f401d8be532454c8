"""Attempts count only if they come no further; a failed run goes on from where it was."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.harness.fuzz import inputs, tell
from tests.harness.stored import submit

# How an attempt ends, and whether it stored a checkpoint before.
ATTEMPTS = st.lists(
    st.tuples(st.sampled_from(["fault", "lost", "stopped"]), st.booleans()), max_size=12
)
MOST_ATTEMPTS = 2


def checkpoint(epoch):
    return {"theta": np.full(3, float(epoch), np.float32)}, {"epoch": epoch}


def end(storage, clock, lease, how):
    if how == "fault":
        storage.runs.fail(lease, {"type": "fault", "detail": "x"}, retry=True)
    elif how == "stopped":
        storage.runs.release(lease, lease.run.epoch)
    else:
        clock.pass_lease(storage)
        storage.maintenance.reap(5)


@inputs(12)
@given(attempts=ATTEMPTS)
def test_only_attempts_without_a_new_checkpoint_count(storage, clock, attempts):
    experiment = submit(storage, runs=1)
    (run,) = storage.experiments.runs(experiment)
    stored, counted = 0, 0
    for how, has_progressed in attempts:
        lease = storage.runs.lease_next("w")
        assert lease.run_id == run.id
        assert lease.run.epoch == stored
        if has_progressed:
            stored += 1
            storage.runs.record(lease, stored, 0.1, checkpoint=checkpoint(stored))
        end(storage, clock, lease, how)
        counted += not has_progressed and how != "stopped"
        state = storage.runs.get(run.id).state
        tell("attempts", state)
        assert state == ("failed" if counted == MOST_ATTEMPTS else "queued")
        if state == "failed":
            break
    if storage.runs.get(run.id).state == "failed":
        storage.experiments.retry(experiment)
    again = storage.runs.lease_next("w")
    assert again.run.epoch == stored
    if stored:
        np.testing.assert_array_equal(again.checkpoint[0]["theta"], checkpoint(stored)[0]["theta"])
    storage.runs.finish(again, None, {}, {})


def test_a_run_that_cannot_end_otherwise_begins_anew(storage):
    experiment = submit(storage, runs=1)
    lease = storage.runs.lease_next("w")
    storage.runs.record(lease, 3, 0.1, checkpoint=checkpoint(3))
    storage.runs.fail(lease, {"type": "diverged"}, retry=False)
    storage.experiments.retry(experiment)
    assert storage.runs.lease_next("w").checkpoint is None


@inputs(20)
@given(versions=st.lists(st.integers(1, 4), min_size=2, max_size=6))
def test_a_result_is_of_one_engine(storage, versions):
    """Workers of several versions take turns: each begins at a checkpoint of its own, or at 0."""
    submit(storage, runs=1)
    stored, made_by = 0, None
    for version in versions:
        lease = storage.runs.lease_next("w", engine_version=version)
        stored = stored if version == made_by else 0
        assert lease.run.epoch == stored
        assert (lease.checkpoint is not None) == (stored > 0)
        stored, made_by = stored + 1, version
        storage.runs.release(lease, stored, None, checkpoint(stored), version)
        tell("engines", "same" if lease.checkpoint else "anew")
    storage.runs.finish(storage.runs.lease_next("w"), None, {}, {})
