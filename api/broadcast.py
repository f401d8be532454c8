"""One task polls the database for all open event streams; a hundred readers cost one poll."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import anyio
import structlog
from starlette.concurrency import run_in_threadpool

from reglab.api.channel import Channel, Event
from reglab.core.storage import NotFound, RunProgress, Storage, StorageUnavailable
from reglab.core.storage.results import Curves

POLL_SECONDS = 0.4
# Experiments that nobody reads any more are remembered, not polled, so that readers can resume.
REMEMBERED = 64
Found = dict[str, tuple[list[RunProgress], dict[str, Curves]]]
log = structlog.get_logger("reglab.broadcast")


class Broadcaster:
    """One per server process; used from its event loop only."""

    def __init__(self, storage: Storage, poll_seconds: float = POLL_SECONDS) -> None:
        self._storage = storage
        self._poll_seconds = poll_seconds
        self._channels: dict[str, Channel] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._healthy = True

    @asynccontextmanager
    async def reading(
        self, experiment_id: str, since: float | None = None
    ) -> AsyncIterator[Channel]:
        """The experiment's channel, as of a poll that began no earlier than ``since``.

        Args:
            experiment_id: What to read.
            since: A time of ``time.monotonic``; now if left out, so that what a request changed
                before is never missed.

        Raises:
            NotFound: There is no such experiment.
            StorageUnavailable: The database could not be read.
        """
        since = time.monotonic() if since is None else since
        channel = self._join(experiment_id)
        try:
            # A poll that finds the experiment gone is the channel's last, also for those who joined
            # while it was under way.
            while channel.polled_at < since and not isinstance(channel.failure, NotFound):
                self._wake.set()
                await channel.polled.wait()
            if channel.failure is not None:
                raise channel.failure
            yield channel
        finally:
            self._leave(channel)

    async def events(
        self, channel: Channel, after: str | None, stop: anyio.Event
    ) -> AsyncIterator[Event]:
        """Events after an id, then new ones, until the experiment has ended or ``stop`` is set."""
        while not stop.is_set():
            # Taken before the events are: what is published while they are sent sets this one.
            changed = channel.changed
            for event in channel.after(after):
                after = event.id
                yield event
            if channel.ended and after == channel.last_id:
                return
            await _first_of(changed.wait, stop.wait)

    async def close(self) -> None:
        """Stop polling."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def _join(self, experiment_id: str) -> Channel:
        channel = self._channels.pop(experiment_id, None) or Channel(experiment_id)
        self._channels[experiment_id] = channel
        channel.readers += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._poll_forever())
        return channel

    def _leave(self, channel: Channel) -> None:
        channel.readers -= 1
        idle = [key for key, one in self._channels.items() if one.readers == 0]
        for key in idle[: max(0, len(idle) - REMEMBERED)]:
            del self._channels[key]

    async def _poll_forever(self) -> None:
        while True:
            # Readers that join during a poll are served by the next one, which follows at once.
            self._wake.clear()
            watched = [channel for channel in self._channels.values() if channel.readers]
            if watched:
                await self._poll(watched)
            timeout = self._poll_seconds if watched else None
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), timeout)

    async def _poll(self, watched: list[Channel]) -> None:
        began = time.monotonic()
        try:
            found = await run_in_threadpool(self._read, watched)
        except Exception as error:
            self._failed(watched, error, began)
            return
        self._healthy = True
        for channel in watched:
            self._apply(channel, *found[channel.experiment_id])
            channel.was_polled(began)

    def _failed(self, watched: list[Channel], error: Exception, began: float) -> None:
        # Open streams stay open: the next poll that succeeds tells them all that they missed.
        if self._healthy:
            unexpected = None if isinstance(error, StorageUnavailable) else error
            log.error("cannot watch; will try again", reason=str(error), exc_info=unexpected)
        self._healthy = False
        for channel in watched:
            channel.failure = error
            channel.was_polled(began)

    def _read(self, watched: list[Channel]) -> Found:
        """Runs of each experiment, and the evaluations that its channel does not know."""
        watch = self._storage.watch
        runs = watch.progress([channel.experiment_id for channel in watched])
        seen: dict[str, int] = {}
        first: list[str] = []
        for channel in watched:
            for run in channel.moved(runs[channel.experiment_id]):
                if channel.begun:
                    seen[run.id] = channel.last_epoch(run.id)
                else:
                    first.append(run.id)
        curves = watch.columns_after(seen) if seen else {}
        curves |= watch.latest(first) if first else {}
        return {
            key: (found, {run.id: curves[run.id] for run in found if run.id in curves})
            for key, found in runs.items()
        }

    def _apply(self, channel: Channel, runs: list[RunProgress], curves: dict[str, Curves]) -> None:
        channel.failure = None
        if runs and channel.begun:
            channel.update(runs, curves)
        elif runs:
            channel.begin(runs, curves)
        else:
            self._channels.pop(channel.experiment_id, None)
            channel.failure = NotFound(f"There is no experiment '{channel.experiment_id}'.")
            if channel.begun:
                channel.delete()


async def _first_of(*waits: Callable[[], Awaitable[object]]) -> None:
    async with anyio.create_task_group() as group:

        async def one(wait: Callable[[], Awaitable[object]]) -> None:
            await wait()
            group.cancel_scope.cancel()

        for wait in waits:
            group.start_soon(one, wait)
