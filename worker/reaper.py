"""A thread of the worker's main process: tells the database it is alive, reaps, sends messages."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from reglab.core.settings import Settings
from reglab.core.storage import Storage
from reglab.worker.identity import is_dead
from reglab.worker.shutdown import stopping
from reglab.worker.watchdog import Watchdog

log = logging.getLogger("reglab.reaper")
# After messages had to be sent again there may be more to send: a lost queue is refilled quickly.
SOON_SECONDS = 0.25


class Reaper:
    """Looks every ``reap_seconds``; several workers may reap at the same time.

    Args:
        settings: Times, and the database.
        name: This worker's name.
        slots: How many runs it can train at once.
        send: Sends the message of one run.
        busy: How many of this worker's processes hold one of these leases.
        watchdog: Told at each look whether runs wait beside free slots.
    """

    def __init__(
        self,
        settings: Settings,
        name: str,
        slots: int,
        send: Callable[[str], None],
        busy: Callable[[Sequence[str]], int],
        watchdog: Watchdog,
    ) -> None:
        self._settings, self._name, self._slots, self._send = settings, name, slots, send
        self._busy, self._watchdog = busy, watchdog
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="reaper", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()
        self._watchdog.start()

    def stop(self) -> None:
        """End, and take this worker off the list of the living."""
        self._watchdog.stop()
        self._done.set()
        self._thread.join(timeout=5)

    def _loop(self) -> None:
        storage = Storage.of(self._settings)
        wait = 0.0
        while not self._done.wait(wait):
            wait = self._settings.reap_seconds
            try:
                if self._once(storage):
                    wait = min(wait, SOON_SECONDS)
            except Exception as error:
                log.warning("reaping failed, will try again: %s", error)
                self._watchdog.looked(starving=False)
        try:
            storage.maintenance.gone(self._name)
        except Exception as error:
            log.warning("could not sign off: %s", error)
        storage.close()

    def _once(self, storage: Storage) -> int:
        """One look; returns how many messages were sent again."""
        if stopping():
            self._watchdog.looked(starving=False)
            return 0
        storage.maintenance.seen(self._name, self._slots)
        reaped = storage.maintenance.reap(self._settings.resend_seconds, is_dead=is_dead)
        if reaped.requeued or reaped.failed or reaped.cancelled:
            log.warning(
                "ended leases: %d queued again, %d failed, %d cancelled",
                reaped.requeued,
                reaped.failed,
                reaped.cancelled,
            )
        for run_id in reaped.send:
            self._send(run_id)
        self._watchdog.looked(self._starving(storage))
        return len(reaped.send)

    def _starving(self, storage: Storage) -> bool:
        free = self._slots - self._busy(storage.runs.owners())
        return free > 0 and storage.runs.any_queued()
