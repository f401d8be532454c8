"""An upgrade from the first revision keeps every row; a downgrade and back loses no run."""

from __future__ import annotations

import datetime
import json

import numpy as np
from alembic import command
from sqlalchemy import MetaData, create_engine, select

from reglab.core.presets import build
from reglab.core.results import CURVE_COLUMNS
from reglab.core.spec import expand
from reglab.core.storage import Storage, codec
from reglab.core.storage.migrate import config, is_current, upgrade

FIRST = "0001"
MOMENT = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)


def rows_of_the_first_revision() -> dict[str, list[dict]]:
    """A finished, a checkpointed and a failed run, as the first version would have stored them."""
    spec = build("l2", {"sweep": {"regularization.l2": [0, 0.01, 0.02]}})
    columns = {name: np.arange(3.0) for name in CURVE_COLUMNS} | {"epoch": np.arange(3)}
    array = codec.encode(np.arange(6, dtype=np.float32).reshape(2, 3))
    states = ("succeeded", "queued", "failed")
    error = {"type": "diverged", "detail": "x"}
    return {
        "experiments": [
            {"id": "e", "name": "Kept", "preset": "l2", "spec": spec.model_dump(mode="json")}
            | {"created_at": MOMENT, "updated_at": MOMENT, "served_at": 1.5e9}
        ],
        "tags": [{"experiment_id": "e", "tag": "t", "position": 0}],
        "idempotency_keys": [
            {"key": "k", "request_hash": "h", "experiment_id": "e", "created_at": MOMENT}
        ],
        "workers": [{"name": "w", "seen": 1.5e9, "slots": 2}],
        "runs": [
            {"id": f"r{k}", "experiment_id": "e", "index": k, "params": run.params}
            | {"seed": run.seed, "spec": run.spec.model_dump(mode="json"), "state": states[k]}
            | {"attempt": 1, "attempts_left": 2, "cancel_requested": False, "lease_owner": None}
            | {"lease_expires": None, "message_at": 1.5e9, "epoch": 2, "progress": 0.5}
            | {"error": error if k == 2 else None, "errors": [error] if k == 2 else []}
            | {"summary": {"ece": 0.1} if k == 0 else None, "created_at": MOMENT}
            | {"started_at": MOMENT, "finished_at": MOMENT if k != 1 else None}
            for k, run in enumerate(expand(spec))
        ],
        "metric_chunks": [
            {"run_id": "r0", "first_epoch": 0, "last_epoch": 2, "points": 3}
            | {"columns": codec.pack(columns)}
        ],
        "arrays": [{"run_id": "r0", "name": "x", **vars(array)}],
        "checkpoints": [
            {"run_id": "r1", "epoch": 2, "state": {"epoch": 2}}
            | {"arrays": codec.pack({"theta": np.ones(3)})}
        ],
    }


def plain(rows) -> list[str]:
    """Rows as text that is the same on every database."""
    return sorted(
        json.dumps(
            {name: value.replace(tzinfo=None) if isinstance(value, datetime.datetime) else value
             for name, value in row.items()},
            sort_keys=True,
            default=lambda value: value.hex() if isinstance(value, bytes) else str(value),
        )
        for row in rows
    )  # fmt: skip


def stored(engine, name: str, names: list[str]) -> list[dict]:
    """Rows of a table; bytes that a later revision keeps in ``blobs`` are read from there."""
    found = MetaData()
    found.reflect(engine)
    table, source = found.tables[name], found.tables[name]
    columns = [table.c[column] for column in names if column in table.c]
    if "blob" in table.c:
        blobs = found.tables["blobs"]
        [moved] = set(names) - set(table.c.keys())
        source = table.join(blobs, blobs.c.sha256 == table.c.blob)
        columns.append(blobs.c.data.label(moved))
    with engine.connect() as connection:
        rows = connection.execute(select(*columns).select_from(source))
        return [dict(row._mapping) for row in rows]


def test_an_upgrade_from_the_first_revision_keeps_every_row(empty_url):
    upgrade(empty_url, FIRST)
    rows = rows_of_the_first_revision()
    engine = create_engine(empty_url)
    found = MetaData()
    found.reflect(engine)
    with engine.begin() as connection:
        for table in found.sorted_tables:
            if table.name in rows:
                connection.execute(table.insert(), rows[table.name])
    assert set(rows) == set(found.tables) - {"alembic_version"}
    before = {name: plain(stored(engine, name, list(rows[name][0]))) for name in rows}
    upgrade(empty_url)
    after = {name: plain(stored(engine, name, list(rows[name][0]))) for name in rows}
    assert after == before
    assert is_current(engine)
    engine.dispose()
    the_service_reads_them(empty_url)


def the_service_reads_them(url: str) -> None:
    storage = Storage(url)
    experiment = storage.experiments.get("e")
    assert (experiment.name, experiment.tags) == ("Kept", ["t"])
    assert [run.state for run in storage.experiments.runs("e")] == ["succeeded", "queued", "failed"]
    result = storage.results.run("r0")
    np.testing.assert_array_equal(result.arrays["x"], np.arange(6).reshape(2, 3))
    np.testing.assert_array_equal(result.curves["epoch"], np.arange(3))
    lease = storage.runs.lease_next("w")
    assert lease.run_id == "r1"
    np.testing.assert_array_equal(lease.checkpoint[0]["theta"], np.ones(3))
    storage.runs.finish(lease, None, {}, {})
    assert storage.experiments.retry("e") == ["r2"]
    storage.close()


def test_every_revision_can_be_undone_and_made_again(empty_url):
    upgrade(empty_url)
    command.downgrade(config(empty_url), "base")
    upgrade(empty_url)
    engine = create_engine(empty_url)
    assert is_current(engine)
    engine.dispose()


def test_counts_move_to_the_table_of_another_name_and_back(empty_url):
    upgrade(empty_url, "0008")
    row = {"name": "runs", "label": "failed", "bucket": "", "shard": 3, "value": 2.5}
    engine = create_engine(empty_url)
    found = MetaData()
    found.reflect(engine)
    with engine.begin() as connection:
        connection.execute(found.tables["tallies"].insert(), row)
    upgrade(empty_url, "0009")
    assert stored(engine, "counters", list(row)) == [row]
    command.downgrade(config(empty_url), "0008")
    assert stored(engine, "tallies", list(row)) == [row]
    engine.dispose()
