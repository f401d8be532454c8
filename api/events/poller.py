"""One task polls the database for all open event streams; a hundred readers cost one poll."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import anyio
import structlog
from starlette.concurrency import run_in_threadpool

from reglab.api.events.log import Event, EventLog
from reglab.core.storage import NotFoundError, RunProgress, Storage, StorageUnavailableError
from reglab.core.storage.results import Curves

POLL_SECONDS = 0.4
# Experiments that nobody reads any more are remembered, not polled, so that readers can resume.
REMEMBERED = 64
Found = dict[str, tuple[list[RunProgress], dict[str, Curves]]]
log = structlog.get_logger("reglab.event_poller")


class EventPoller:
    """One per server process; used from its event loop only."""

    def __init__(self, storage: Storage, poll_seconds: float = POLL_SECONDS) -> None:
        self._storage = storage
        self._poll_seconds = poll_seconds
        self._logs: dict[str, EventLog] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._healthy = True

    @asynccontextmanager
    async def reading(
        self, experiment_id: str, since: float | None = None
    ) -> AsyncIterator[EventLog]:
        """The experiment's event_log, as of a poll that began no earlier than ``since``.

        Args:
            experiment_id: What to read.
            since: A time of ``time.monotonic``; now if left out, so that what a request changed
                before is never missed.

        Raises:
            NotFoundError: There is no such experiment.
            StorageUnavailableError: The database could not be read.
        """
        since = time.monotonic() if since is None else since
        event_log = self._join(experiment_id)
        try:
            # A poll that finds the experiment gone is the log's last one, also for those
            # who joined while it was under way.
            while event_log.polled_at < since and not isinstance(event_log.failure, NotFoundError):
                self._wake.set()
                await event_log.polled.wait()
            if event_log.failure is not None:
                raise event_log.failure
            yield event_log
        finally:
            self._leave(event_log)

    async def events(
        self, event_log: EventLog, after: str | None, stop: anyio.Event
    ) -> AsyncIterator[Event]:
        """Events after an id, then new ones, until the experiment has ended or ``stop`` is set."""
        while not stop.is_set():
            # Taken before the events are: what is published while they are sent sets this one.
            changed = event_log.changed
            for event in event_log.after(after):
                after = event.id
                yield event
            if event_log.ended and after == event_log.last_id:
                return
            await _first_of(changed.wait, stop.wait)

    async def close(self) -> None:
        """Stop polling."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def _join(self, experiment_id: str) -> EventLog:
        event_log = self._logs.pop(experiment_id, None) or EventLog(experiment_id)
        self._logs[experiment_id] = event_log
        event_log.readers += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._poll_forever())
        return event_log

    def _leave(self, event_log: EventLog) -> None:
        event_log.readers -= 1
        idle = [key for key, one in self._logs.items() if one.readers == 0]
        for key in idle[: max(0, len(idle) - REMEMBERED)]:
            del self._logs[key]

    async def _poll_forever(self) -> None:
        while True:
            # Readers that join during a poll are served by the next one, which follows at once.
            self._wake.clear()
            watched = [event_log for event_log in self._logs.values() if event_log.readers]
            if watched:
                await self._poll(watched)
            timeout = self._poll_seconds if watched else None
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), timeout)

    async def _poll(self, watched: list[EventLog]) -> None:
        began = time.monotonic()
        try:
            found = await run_in_threadpool(self._read, watched)
        except Exception as error:
            self._failed(watched, error, began)
            return
        self._healthy = True
        for event_log in watched:
            self._apply(event_log, *found[event_log.experiment_id])
            event_log.was_polled(began)

    def _failed(self, watched: list[EventLog], error: Exception, began: float) -> None:
        # Open streams stay open: the next poll that succeeds tells them all that they missed.
        if self._healthy:
            unexpected = None if isinstance(error, StorageUnavailableError) else error
            log.error("cannot watch; will try again", reason=str(error), exc_info=unexpected)
        self._healthy = False
        for event_log in watched:
            event_log.failure = error
            event_log.was_polled(began)

    def _read(self, watched: list[EventLog]) -> Found:
        """Runs of each experiment, and the evaluations that its event_log does not know."""
        watch = self._storage.watch
        runs = watch.progress([event_log.experiment_id for event_log in watched])
        seen: dict[str, int] = {}
        first: list[str] = []
        for event_log in watched:
            for run in event_log.moved(runs[event_log.experiment_id]):
                if event_log.begun:
                    seen[run.id] = event_log.last_epoch(run.id)
                else:
                    first.append(run.id)
        curves = watch.columns_after(seen) if seen else {}
        curves |= watch.latest(first) if first else {}
        return {
            key: (found, {run.id: curves[run.id] for run in found if run.id in curves})
            for key, found in runs.items()
        }

    def _apply(
        self, event_log: EventLog, runs: list[RunProgress], curves: dict[str, Curves]
    ) -> None:
        event_log.failure = None
        if runs and event_log.begun:
            event_log.update(runs, curves)
        elif runs:
            event_log.begin(runs, curves)
        else:
            self._logs.pop(event_log.experiment_id, None)
            event_log.failure = NotFoundError(
                f"There is no experiment '{event_log.experiment_id}'."
            )
            if event_log.begun:
                event_log.delete()


async def _first_of(*waits: Callable[[], Awaitable[object]]) -> None:
    async with anyio.create_task_group() as group:

        async def one(wait: Callable[[], Awaitable[object]]) -> None:
            await wait()
            group.cancel_scope.cancel()

        for wait in waits:
            group.start_soon(one, wait)
