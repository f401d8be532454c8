"""What /metrics says: requests of this process, and the service's runs as the database knows them.

Numbers of runs are the same from every server and survive restarts, so a query takes their maximum
over servers, not their sum; numbers of requests belong to a process and are summed.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from reglab.core.storage import Overview, Storage, StorageError
from reglab.core.storage.counters import (
    ATTEMPTS,
    EXPIRIES,
    RELEASES,
    RETRIES,
    RUN_SECONDS,
    STEPS,
    SUBMITTED,
    WAIT_SECONDS,
    Counters,
)

# Set where several processes share one port: each writes its numbers there, and all are summed.
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
# Several scrapers, or an impatient one, cost the database no more than one.
FRESH_SECONDS = 2.0
COUNTERS: tuple[tuple[str, str, str | None, tuple[str, ...]], ...] = (
    (SUBMITTED, "Runs submitted: to be trained, or done at once by reuse.", "way",
     ("train", "reuse")),
    (ATTEMPTS, "Attempts of runs that began.", None, ("",)),
    (RETRIES, "Attempts that failed and were queued again.", None, ("",)),
    (RELEASES, "Attempts that a stopping worker handed back.", None, ("",)),
    (EXPIRIES, "Expired leases of lost workers, by the outcome for the run.", "outcome",
     ("queued", "failed", "cancelled")),
    (STEPS, "Updates of parameters in all trainings.", None, ("",)),
)  # fmt: skip
HISTOGRAMS: tuple[tuple[str, str, str | None, tuple[str, ...]], ...] = (
    (RUN_SECONDS, "From the start of a run's last attempt to its end, by final state.", "state",
     ("succeeded", "failed", "cancelled")),
    (WAIT_SECONDS, "From submission to the start of the first attempt.", None, ("",)),
)  # fmt: skip


class Service(Collector):
    """Reads the database when it is asked, at most once every FRESH_SECONDS."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._lock = threading.Lock()
        self._kept: list[Metric] = []
        self._until = 0.0

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not read the database."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """All families; only reglab_database_up where the database does not answer."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._kept = self._read()
                self._until = time.monotonic() + FRESH_SECONDS
            return self._kept

    def _read(self) -> list[Metric]:
        up = GaugeMetricFamily("reglab_database_up", "Whether the database answers.")
        try:
            overview, counters = self._storage.overview.read(), self._storage.counters.read()
        except StorageError:
            up.add_metric([], 0)
            return [up]
        up.add_metric([], 1)
        return [up, *_gauges(overview), *_counters(counters), *_histograms(counters)]


def request_registry() -> CollectorRegistry:
    """Where this process counts its requests."""
    registry = CollectorRegistry()
    if SHARED_FOLDER not in os.environ:
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
    return registry


def text(requests: CollectorRegistry, service: Service) -> bytes:
    """Everything in Prometheus' text format."""
    if SHARED_FOLDER in os.environ:
        requests = CollectorRegistry()
        MultiProcessCollector(requests)  # type: ignore[no-untyped-call]
    runs = CollectorRegistry()
    runs.register(service)
    return generate_latest(requests) + generate_latest(runs)


def _gauges(overview: Overview) -> Iterable[Metric]:
    runs = GaugeMetricFamily("reglab_runs", "Runs by state.", labels=["state"])
    for state, number in overview.runs.items():
        runs.add_metric([state], number)
    yield runs
    plain: Mapping[str, tuple[str, float | None]] = {
        "reglab_queue_oldest_seconds": (
            "Since the longest waiting run was submitted; 0 if none waits.",
            overview.oldest_queued_seconds,
        ),
        "reglab_workers": ("Workers seen within the last 20 s.", overview.workers),
        "reglab_worker_slots": ("Runs that these train at once.", overview.slots),
        "reglab_worker_seen_seconds": (
            "Since the freshest worker was seen; absent if none is known.",
            overview.worker_seconds,
        ),
    }
    for name, (description, value) in plain.items():
        if value is not None:
            yield GaugeMetricFamily(name, description, value=value)


def _counters(counters: Counters) -> Iterable[Metric]:
    for name, description, label, values in COUNTERS:
        family = CounterMetricFamily(f"reglab_{name}", description, labels=[label] if label else [])
        for value in values:
            # From the start at 0: a rate needs to see the first one come.
            family.add_metric([value] if label else [], counters.counters.get((name, value), 0.0))
        yield family


def _histograms(counters: Counters) -> Iterable[Metric]:
    for name, description, label, values in HISTOGRAMS:
        family = HistogramMetricFamily(
            f"reglab_{name}", description, labels=[label] if label else []
        )
        for value in values:
            found = counters.histogram(name, value)
            buckets = zip(found.counts, itertools.accumulate(found.counts.values()), strict=True)
            family.add_metric([value] if label else [], list(buckets), found.total)
        yield family
