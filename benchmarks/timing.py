"""Timing that stays fair on a shared machine: interleaved repeats, one core, wall and CPU time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


def one_thread() -> None:
    """Keep numeric libraries to one thread; must run before they are imported."""
    for name in THREAD_VARIABLES:
        os.environ[name] = "1"


@contextmanager
def pinned() -> Iterator[None]:
    """Keep this process, and what it starts, on the last of its cores."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


@dataclass
class Times:
    """Repeats of one measurement, in seconds."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def add(self, wall: float, cpu: float) -> None:
        """One more repeat."""
        self.wall.append(wall)
        self.cpu.append(cpu)

    def summary(self, unit: float = 1e-6, per: float = 1.0) -> dict[str, float]:
        """Median and minimum of wall time, and minimum of CPU time, divided by ``per * unit``."""
        scale = 1.0 / (unit * per)
        return {
            "median": median(self.wall) * scale,
            "min": min(self.wall) * scale,
            "cpu_min": min(self.cpu) * scale,
        }

    def stolen(self) -> float:
        """Share of the wall time in which this process did not run: what others took."""
        return max(0.0, 1.0 - sum(self.cpu) / max(sum(self.wall), 1e-12))


def once(call: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds of one call."""
    cpu, wall = time.process_time(), time.perf_counter()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu


def interleaved(calls: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, Times]:
    """Time each call ``repeats`` times in turn (A B C A B C ...), so that drift hits all alike."""
    times = {name: Times() for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            times[name].add(*once(call))
    return times
