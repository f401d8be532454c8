"""The events of one experiment, numbered, with the latest kept for readers that come back."""

from __future__ import annotations

import asyncio
import math
import secrets
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel

from reglab.api.events.bodies import (
    DeletedEvent,
    MetricColumns,
    MetricsEvent,
    ProgressEvent,
    RunMoved,
    StateEvent,
)
from reglab.core.results import STATES, TERMINAL, State, downsample
from reglab.core.storage import RunProgress
from reglab.core.storage.results import Curves
from reglab.core.storage.states import experiment_state

KEPT_EVENTS = 256
# Of an experiment with many runs, one event may be megabytes.
KEPT_BYTES = 2**22
POINTS_A_RUN = 100


@dataclass(frozen=True)
class Event:
    """One event as sent: its id, its name, its JSON."""

    id: str
    name: str
    data: str


class EventLog:
    """What is known of one experiment, and the events that led there.

    An id is ``<event_log>-<number>``; the ids of a snapshot's earlier events have a third part, so
    that a reader who lost the rest of a snapshot is given a new one.
    """

    def __init__(self, experiment_id: str) -> None:
        self.experiment_id = experiment_id
        self.readers = 0
        self.begun = False
        self.deleted = False
        self.polled = asyncio.Event()
        self.failure: Exception | None = None
        self.polled_at = -math.inf
        self.changed = asyncio.Event()
        self._token = secrets.token_hex(4)
        self._number = 0
        self._events: deque[tuple[int, Event]] = deque(maxlen=KEPT_EVENTS)
        self._runs: dict[str, RunProgress] = {}
        self._latest: dict[str, Curves] = {}

    @property
    def ended(self) -> bool:
        """Whether no event will come any more."""
        return self.deleted or self.state in TERMINAL

    @property
    def state(self) -> State:
        """The experiment's state."""
        return experiment_state(self._counts())

    def was_polled(self, began: float) -> None:
        """The database was read, beginning at this time; wakes those who wait for it."""
        self.polled_at = began
        self.polled.set()
        self.polled = asyncio.Event()

    def moved(self, runs: Iterable[RunProgress]) -> list[RunProgress]:
        """Those that are not as they were."""
        return [run for run in runs if self._runs.get(run.id) != run]

    def last_epoch(self, run_id: str) -> int:
        """The epoch of the run's last known evaluation, -1 if none is known."""
        return int(self._latest[run_id]["epoch"][-1]) if run_id in self._latest else -1

    def begin(self, runs: Iterable[RunProgress], latest: Mapping[str, Curves]) -> None:
        """Take what the first poll found as known, without events."""
        self.begun = True
        self._runs = {run.id: run for run in runs}
        self._latest = dict(latest)

    def update(self, runs: Iterable[RunProgress], fresh: Mapping[str, Curves]) -> None:
        """Tell readers what a poll found."""
        moved = self.moved(runs)
        if not moved and not fresh:
            return
        old, self._runs = self._runs, self._runs | {run.id: run for run in moved}
        # Metrics go first: who stops reading at the final state has everything by then.
        if fresh:
            self._latest |= {k: {n: c[-1:] for n, c in v.items()} for k, v in fresh.items()}
            self._publish("metrics", self._metrics(fresh))
        if moved:
            self._publish("progress", self._progress(moved))
        turned = [run for run in moved if _turned(old.get(run.id), run)]
        if turned:
            self._publish("state", self._state(turned))
        self._wake()

    def delete(self) -> None:
        """Tell readers that the experiment is gone."""
        self.deleted = True
        self._publish("deleted", DeletedEvent(experiment_id=self.experiment_id))
        self._wake()

    def after(self, event_id: str | None) -> list[Event]:
        """Events after this id; a snapshot where the id is unknown or too old."""
        number = self._number_of(event_id)
        if number is None:
            return self._snapshot()
        return [event for at, event in self._events if at > number]

    @property
    def last_id(self) -> str:
        """The id of the newest event."""
        return f"{self._token}-{self._number}"

    def _number_of(self, event_id: str | None) -> int | None:
        token, _, rest = (event_id or "").partition("-")
        if token != self._token or not rest.isdecimal() or int(rest) > self._number:
            return None
        oldest = self._events[0][0] if self._events else self._number + 1
        return int(rest) if int(rest) >= oldest - 1 else None

    def _snapshot(self) -> list[Event]:
        runs = list(self._runs.values())
        bodies: list[tuple[str, BaseModel]] = [
            ("metrics", self._metrics(self._latest, True)),
            ("progress", self._progress(runs, True)),
            ("state", self._state(runs, True)),
        ]
        events = [
            Event(f"{self.last_id}-{at}", name, body.model_dump_json())
            for at, (name, body) in enumerate(bodies)
        ]
        last = events[-1]
        return [*events[:-1], Event(self.last_id, last.name, last.data)]

    def _publish(self, name: str, body: BaseModel) -> None:
        self._number += 1
        event = Event(self.last_id, name, body.model_dump_json())
        self._events.append((self._number, event))
        while len(self._events) > 1 and sum(len(e.data) for _, e in self._events) > KEPT_BYTES:
            self._events.popleft()

    def _wake(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()

    def _counts(self) -> dict[str, int]:
        counts = Counter(run.state for run in self._runs.values())
        return {state: counts.get(state, 0) for state in STATES}

    def _mean(self) -> float:
        return sum(run.progress for run in self._runs.values()) / max(len(self._runs), 1)

    def _state(self, runs: list[RunProgress], snapshot: bool = False) -> StateEvent:
        return StateEvent(
            experiment_id=self.experiment_id,
            snapshot=snapshot,
            state=self.state,
            counts=self._counts(),
            progress=self._mean(),
            runs=[RunMoved.of(run) for run in runs],
        )

    def _progress(self, runs: list[RunProgress], snapshot: bool = False) -> ProgressEvent:
        return ProgressEvent(
            experiment_id=self.experiment_id,
            snapshot=snapshot,
            progress=self._mean(),
            runs=[RunMoved.of(run) for run in runs],
        )

    def _metrics(self, curves: Mapping[str, Curves], snapshot: bool = False) -> MetricsEvent:
        kept = {run_id: downsample(found, POINTS_A_RUN) for run_id, found in curves.items()}
        names = [name for name in MetricColumns.model_fields if name != "run_id"]
        columns = {name: _column(name, list(kept.values())) for name in names}
        run_ids = [run_id for run_id, part in kept.items() for _ in part["epoch"]]
        columns["epoch"] = [int(epoch) for epoch in columns["epoch"]]
        return MetricsEvent(
            experiment_id=self.experiment_id,
            snapshot=snapshot,
            columns=MetricColumns(run_id=run_ids, **columns),
        )


def _column(name: str, parts: Sequence[Curves]) -> list[Any]:
    """A metric of several runs; those without it have None."""
    missing = [np.full(len(part["epoch"]), None, dtype=object) for part in parts]
    found = [part.get(name, none) for part, none in zip(parts, missing, strict=True)]
    return list(np.concatenate(found).tolist()) if found else []


def _turned(old: RunProgress | None, new: RunProgress) -> bool:
    return old is None or (old.state, old.attempt) != (new.state, new.attempt)
