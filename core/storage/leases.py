"""Which leases have ended, judged by one steady clock: no jump of a wall clock can steal a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

# Attempt and lease_expires as stored: every renewal changes it.
Beat = tuple[int, float | None]


class LeaseWatch:
    """Remembers when each lease was last seen to change.

    A lease has ended when it was *seen* unchanged for its whole length. Time in which nobody looked
    counts for a quarter of that at most: while the database was away, or this machine slept, its
    holder could not have renewed it either.

    Args:
        seconds: Length of a lease.
        clock: Seconds that never jump.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._looked = clock()
        self._silence: dict[str, tuple[Beat, float]] = {}

    def ended(self, beats: Mapping[str, Beat]) -> set[str]:
        """The ids among these running runs whose holder has been silent for a whole lease."""
        moment = self._clock()
        passed = min(moment - self._looked, self._seconds / 4)
        self._looked = moment
        self._silence = {
            run_id: (beat, self._silent_before(run_id, beat, passed))
            for run_id, beat in beats.items()
        }
        return {run_id for run_id, (_, silent) in self._silence.items() if silent >= self._seconds}

    def _silent_before(self, run_id: str, beat: Beat, passed: float) -> float:
        known = self._silence.get(run_id)
        return known[1] + passed if known is not None and known[0] == beat else 0.0
