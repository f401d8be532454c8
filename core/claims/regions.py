"""Where a statistic must lie for its claim to hold, and how replicates decide whether it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from reglab.core.statistics import are_equal, t_test

# Part of a threshold by which it is moved to see whether the verdict hangs on it.
MOVED = 0.25


@dataclass(frozen=True)
class Region:
    """An interval that is open where an end is None.

    Attributes:
        low: Lower end.
        high: Upper end.
        reason: Why the ends are what they are; ends of zero need none.
        most: Magnitude that the statistic cannot exceed, such as 1 of a share, or None.
    """

    low: float | None = None
    high: float | None = None
    reason: str = ""
    most: float | None = None

    def __str__(self) -> str:
        if self.high is None:
            return f"> {self.low:g}"
        if self.low is None:
            return f"< {self.high:g}"
        return f"from {self.low:g} to {self.high:g}"

    def margin(self, value: float) -> float:
        """How far inside a value lies, negative outside: its distance from the nearer end."""
        ends = [value - self.low] if self.low is not None else []
        ends += [self.high - value] if self.high is not None else []
        return min(ends)

    def p_value(self, values: Sequence[float]) -> float:
        """Two-sided, of the mean of replicates (n,) lying on that side of the ends where it is.

        By Student's t at the nearer end, which for two ends is the two one-sided tests
        (Schuirmann, 1987). Equal replicates do not tell their spread: the sign test of n of them is
        taken.
        """
        data = np.asarray(values, np.float64)
        if are_equal(data):
            return min(1.0, 2 * 0.5 ** len(data))
        ends = [end for end in (self.low, self.high) if end is not None]
        nearest = min(ends, key=lambda end: abs(float(data.mean()) - end))
        return t_test(data - nearest)

    def moved(self) -> tuple[Region, ...]:
        """The regions whose thresholds are a quarter less and a quarter more; none at zero.

        Two ends move apart and together by a quarter of half their distance. A single one moves by
        a quarter of itself, or of its distance from ``most`` where that is nearer.
        """
        if self.low is not None and self.high is not None:
            step = MOVED * (self.high - self.low) / 2
            ends = [(self.low - step, self.high + step), (self.low + step, self.high - step)]
            return tuple(replace(self, low=low, high=high) for low, high in ends)
        at = self.low if self.low is not None else self.high
        if not at:
            return ()
        step = MOVED * min(abs(at), abs(at) if self.most is None else self.most - abs(at))
        if self.high is None:
            return tuple(replace(self, low=at + sign * step) for sign in (-1, 1))
        return tuple(replace(self, high=at + sign * step) for sign in (-1, 1))


def above(threshold: float, reason: str = "", most: float | None = None) -> Region:
    """The statistic exceeds a threshold."""
    return Region(threshold, None, reason, most)


def below(threshold: float, reason: str = "", most: float | None = None) -> Region:
    """The statistic stays under a threshold."""
    return Region(None, threshold, reason, most)


def within(low: float, high: float, reason: str = "") -> Region:
    """The statistic lies between two ends: for claims that two things are equal."""
    return Region(low, high, reason)
