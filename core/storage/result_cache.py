"""Reuse of results: a run that equals a finished one refers to the same results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, literal, select, update
from sqlalchemy.orm import Session

from reglab.core.spec import ResolvedRun
from reglab.core.storage.models import Array, Base, MetricChunk, Run

# Of finished runs with the same key so many are looked at: nearly always the first one fits.
CANDIDATES = 3


@dataclass(frozen=True)
class Content:
    """What decides a run's result beside its spec and seed.

    Attributes:
        engine: Version of the training engine.
        files: sha256 of each data file by name.
    """

    engine: str
    files: Mapping[str, str]

    @property
    def engine_version(self) -> int | None:
        """The version as a number, by which versions are ordered."""
        return int(self.engine) if self.engine.isdecimal() else None

    def key(self, run: ResolvedRun) -> str:
        """A digest of all that decides the result, in hexadecimal."""
        parts = {
            "spec": run.spec.model_dump(mode="json"),
            "seed": run.seed,
            "engine": self.engine,
            "files": dict(self.files),
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def made(self, summary: Mapping[str, Any] | None) -> bool:
        """Whether a finished run was in fact made by this engine from these files.

        The key tells what the server knew at submission; the worker may have had another version.
        """
        found = summary or {}
        files = found.get("provenance", {}).get("files", {})
        return found.get("engine_version") == self.engine and files == dict(self.files)


def reuse(session: Session, experiment_id: str, contents: Mapping[str, Content]) -> None:
    """Give each queued run of an experiment the results of an equal finished run, if there is one.

    Args:
        session: An open write transaction; the copies are part of it.
        experiment_id: The experiment that was just stored.
        contents: What decides the results, by key.
    """
    found = _candidates(session, experiment_id, list(contents))
    mine = select(Run.id, Run.content_key).where(Run.experiment_id == experiment_id)
    keys = {run_id: str(key) for run_id, key in session.execute(mine)}
    for run_id, key in keys.items():
        source = _first_true(session, found.get(key, []), contents[key])
        if source is not None:
            _copy(session, source, run_id)


def _candidates(session: Session, experiment_id: str, keys: Sequence[str]) -> dict[str, list[str]]:
    """Ids of finished runs by key, newest first."""
    query = (
        select(Run.content_key, Run.id)
        .where(Run.content_key.in_(keys), Run.state == "succeeded")
        .where(Run.experiment_id != experiment_id)
        .order_by(Run.id.desc())
    )
    found: dict[str, list[str]] = {}
    for key, run_id in session.execute(query):
        found.setdefault(str(key), []).append(run_id)
    return found


def _first_true(session: Session, ids: Sequence[str], content: Content) -> Run | None:
    for run_id in ids[:CANDIDATES]:
        # Held until the copy is committed; a run that is being deleted is passed over.
        row = session.scalar(
            select(Run).where(Run.id == run_id).with_for_update(read=True, skip_locked=True)
        )
        if row is not None and content.made(row.summary):
            return row
    return None


def _copy(session: Session, source: Run, run_id: str) -> None:
    session.execute(
        update(Run)
        .where(Run.id == run_id)
        .values(
            state="succeeded",
            epoch=source.epoch,
            progress=1.0,
            summary=source.summary,
            # The run that was trained, also where the source is a copy itself.
            reused_from=source.reused_from or source.id,
            finished_at=datetime.now(UTC),
            message_at=None,
        )
    )
    for table in (MetricChunk, Array):
        _copy_rows(session, table, source.id, run_id)


def _copy_rows(session: Session, table: type[Base], source: str, target: str) -> None:
    columns = [column for column in table.__table__.columns if column.name != "run_id"]
    names = ["run_id", *(column.name for column in columns)]
    rows = select(literal(target), *columns).where(table.__table__.c.run_id == source)
    session.execute(insert(table).from_select(names, rows))
