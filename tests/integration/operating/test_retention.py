"""Old experiments go, and only these; without --delete nothing does."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import func, or_, select, text, update

from reglab.core.storage import NotFoundError
from reglab.core.storage.models import (
    Array,
    Blob,
    Experiment,
    IdempotencyKey,
    MetricChunk,
    Run,
    StoredCheckpoint,
)
from reglab.core.storage.retention import Rule
from reglab.core.storage.retention_command import apply
from tests.harness.inline import SMALL
from tests.harness.stored import columns, submit

NOW = datetime.now(UTC)


def aged(storage, days: float, **options) -> str:
    """An experiment of two runs, one of which succeeded so long ago."""
    experiment = submit(storage, runs=2, **options)
    for name in "ab":
        claim = storage.runs.lease_next(name)
        storage.runs.finish(claim, columns(0, 5), {"x": np.ones(100)}, {})
    moment = NOW - timedelta(days=days)
    with storage.engine.begin() as connection:
        mine = Run.experiment_id == experiment
        connection.execute(update(Run).where(mine).values(finished_at=moment))
        one = Experiment.id == experiment
        connection.execute(update(Experiment).where(one).values(updated_at=moment))
    return experiment


def rule(days: float = 30, **options) -> Rule:
    return Rule(NOW - timedelta(days=days), **options)


def test_what_is_old(storage):
    old = aged(storage, 40)
    older = aged(storage, 50, tags=["paper"])
    aged(storage, 40, tags=["keep"])
    aged(storage, 20)
    touched = aged(storage, 60)
    storage.experiments.change(touched, name="Looked at again")
    failed = aged(storage, 70)
    with storage.engine.begin() as connection:
        mine = Run.experiment_id == failed
        connection.execute(update(Run).where(mine, Run.index == 0).values(state="failed"))
    retried = aged(storage, 80)
    with storage.engine.begin() as connection:
        mine = Run.experiment_id == retried
        values = {"state": "queued", "finished_at": None}
        connection.execute(update(Run).where(mine, Run.index == 0).values(**values))

    def found(*args, **options):
        return [each.id for each in storage.retention.old(rule(*args, **options))]

    assert found() == [failed, older, old]
    assert found(45) == [failed, older]
    assert found(tag="paper") == [older]
    assert len(found(keep_tags=())) == 4
    assert found(keep_tags=("keep", "paper")) == [failed, old]
    listed = storage.retention.old(rule())[2]
    with storage.engine.connect() as connection:
        runs = select(Run.id).where(Run.experiment_id == old)
        mine = [
            Blob.sha256.in_(select(table.blob).where(table.run_id.in_(runs)))
            for table in (Array, MetricChunk)
        ]
        size = connection.scalar(select(func.sum(func.length(Blob.data))).where(or_(*mine)))
    assert listed.bytes == size > 0
    assert listed.runs == 2
    assert abs(listed.ended_at - (NOW - timedelta(days=40))) < timedelta(seconds=1)


def test_deleting(storage):
    old, kept = aged(storage, 40), aged(storage, 40, tags=["keep"])
    said: list[str] = []
    number, size = apply(storage.retention, rule(), False, said.append)
    assert number == 1
    assert size > 0
    assert old in said[0]
    assert said[-1].endswith("add --delete")
    assert storage.experiments.get(old)
    assert apply(storage.retention, rule(), True, said.append) == (1, size)
    with pytest.raises(NotFoundError):
        storage.experiments.get(old)
    assert storage.experiments.get(kept)
    with storage.engine.connect() as connection:
        left = [connection.scalar(select(func.count()).select_from(t)) for t in (Run, Array)]
    assert left == [2, 2]
    storage.retention.vacuum()


def test_what_was_retried_meanwhile_stays(storage):
    experiment = aged(storage, 40)
    with storage.engine.begin() as connection:
        connection.execute(update(Run).where(Run.index == 0).values(state="failed"))
    [listed] = storage.retention.old(rule())
    storage.experiments.retry(experiment)
    assert not storage.retention.delete(listed.id, rule())
    assert storage.experiments.get(experiment)


def test_expired_things(storage):
    experiment = submit(storage, runs=1, key="k")
    claim = storage.runs.lease_next("w")
    storage.runs.record(claim, 1, 0.1, columns(0, 2), ({}, {}))
    storage.runs.release(claim, 1)
    with storage.engine.begin() as connection:
        old = NOW - timedelta(days=40)
        connection.execute(update(IdempotencyKey).values(created_at=old))
    none = {"idempotency keys": 1, "browser sessions": 0, "checkpoints of ended runs": 0}
    none["results without a run"] = 0
    assert storage.retention.expired(rule().before, dry=True) == none
    # A checkpoint that an older version may have left behind.
    with storage.engine.begin() as connection:
        connection.execute(text("UPDATE runs SET state = 'failed'"))
    assert storage.retention.expired(rule().before, dry=False) == none | {
        "checkpoints of ended runs": 1
    }
    with storage.engine.connect() as connection:
        for table in (IdempotencyKey, StoredCheckpoint):
            assert connection.scalar(select(func.count()).select_from(table)) == 0
    assert storage.experiments.get(experiment)


def test_the_command_shrinks_the_file(inline):
    made = inline.finished(SMALL | {"seeds": list(range(8))})
    inline.http.patch(f"/v1/experiments/{made['id']}", json={"tags": ["junk"]})
    file = inline.settings.home / "reglab.db"
    inline.storage.close()

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "REGLAB_HOME": str(file.parent)}
        program = [sys.executable, "-m", "reglab.core.storage.retention_command"]
        return subprocess.run(
            [*program, *words], env=env, capture_output=True, text=True, check=False
        )

    def size() -> int:
        return sum(path.stat().st_size for path in file.parent.glob("reglab.db*"))

    done = command("--days", "0", "--tag", "junk")
    assert (done.returncode, done.stdout.count(made["id"])) == (0, 1), done.stderr
    assert "1 experiments" in done.stdout
    before = size()
    done = command("--days", "0", "--tag", "junk", "--delete", "--vacuum")
    assert done.returncode == 0, done.stderr
    assert size() < before
    assert inline.get("/experiments")["items"] == []
    assert command().returncode == 2
