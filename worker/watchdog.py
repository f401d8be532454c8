"""Ends a wait that will not end: restarts this worker when work waits and none reaches it.

A message is only a hint, so a consumer that no message reaches after its broker came back, or a
pool that waits for a process killed in an unlucky moment, loses nothing; it would wait for ever.
The database knows better: runs are queued and this worker's slots are free, look after look.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence

import structlog

log = structlog.get_logger("reglab.watchdog")
LOOK_SECONDS = 1.0
# For the pool to hand its runs back; then it is killed, and their leases say so.
STOP_SECONDS = 20.0


class Watchdog:
    """Told what the reaper sees; asks once for a restart if that stays bad for ``patience``.

    Args:
        patience: Seconds that work may wait beside free slots, or that no look may come to an end.
        restart: What to do; told why.
        clock: Seconds of a clock that is never set.
    """

    def __init__(
        self,
        patience: float,
        restart: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._patience, self._restart, self._clock = patience, restart, clock
        self._looked = self._served = clock()
        self._done = threading.Event()

    def start(self) -> None:
        """Watch from a thread of its own; returns at once."""
        self._looked = self._served = self._clock()
        threading.Thread(target=self._loop, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Watch no more."""
        self._done.set()

    def looked(self, starving: bool) -> None:
        """A look at the database has ended.

        Args:
            starving: Whether runs are queued while this worker has free slots. A look that failed
                is none: without database or broker, waiting is right.
        """
        self._looked = self._clock()
        if not starving:
            self._served = self._looked

    def trouble(self) -> str | None:
        """What is wrong, or None."""
        moment = self._clock()
        if moment - self._looked > self._patience:
            return f"the reaper has not ended a look for {moment - self._looked:.0f} s"
        if moment - self._served > self._patience:
            return f"runs are queued beside free slots for {moment - self._served:.0f} s"
        return None

    def _loop(self) -> None:
        while not self._done.wait(LOOK_SECONDS):
            found = self.trouble()
            if found is not None:
                self._restart(found)
                return


class Restart:
    """Begins this process anew, in place, so that no supervisor is needed; sees that it ends.

    Args:
        pool: Gives the process ids of the pool.
        command: What to run.
    """

    def __init__(self, pool: Callable[[], Sequence[int]], command: Sequence[str]) -> None:
        self._pool, self._command = pool, list(command)
        self._asked = False
        self._stops = 0
        self._deadline = math.inf

    def watch(self) -> None:
        """See from a thread of its own that a shutdown comes to an end; returns at once."""
        threading.Thread(target=self._insist, name="shutdown", daemon=True).start()

    def __call__(self, why: str) -> None:
        """Ask for a clean shutdown, which ends in ``finish``."""
        # Where the threads stand is the one trace of what went wrong.
        log.error("this worker restarts", why=why, threads=_stacks())
        self._asked = True
        self._end_within(STOP_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    def stop_asked(self) -> None:
        """Called at each request to stop, this object's own among them; another's wins."""
        self._stops += 1
        self._end_within(STOP_SECONDS)

    def end(self, *_: object) -> None:
        """Handle a signal: end without waiting for any run."""
        self._stops += 1
        self._end_within(0.0)

    def finish(self) -> None:
        """Begin anew if that was asked for and no one else asked for an end; else return."""
        # A request from now on waits for the new program, which lets it in.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        if not self._asked or self._stops > 1:
            return
        self._kill_pool()
        sys.stdout.flush()
        os.execv(self._command[0], self._command)  # noqa: S606 # its own command again

    def _end_within(self, seconds: float) -> None:
        # Within a signal's handler: no lock may be taken and no thread started.
        self._deadline = min(self._deadline, time.monotonic() + seconds)

    def _insist(self) -> None:
        """End the process hard if it is still there at its deadline.

        Processes of the pool share locks, and one that is killed takes its lock with it: whoever
        waits for that lock, such as Celery's end of the pool, waits for ever.
        """
        while time.monotonic() < self._deadline:
            time.sleep(LOOK_SECONDS)
        log.error("no clean shutdown; the pool is killed", threads=_stacks())
        self.finish()
        self._kill_pool()
        sys.stdout.flush()
        os._exit(1)

    def _kill_pool(self) -> None:
        for pid in self._pool():
            # Either may find that the pool has reaped it already.
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def _stacks() -> dict[str, list[str]]:
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    return {
        names.get(ident, str(ident)): [
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_stack(top)
        ]
        for ident, top in sys._current_frames().items()
    }
