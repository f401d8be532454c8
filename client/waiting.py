"""Waiting for experiments to end, by looking again at growing intervals."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

from reglab.client.errors import ExperimentFailedError, WaitTimeoutError
from reglab.client.flow import Call, Flow, Pause
from reglab.client.models import TERMINAL, ExperimentData
from reglab.client.progress import Display
from reglab.client.values import seconds

FIRST_SECONDS = 0.15
LONGEST_SECONDS = 2.0
GROWTH = 1.25


class Holder(Protocol):
    """Anything that keeps the last state of an experiment."""

    data: ExperimentData


def wait_for(
    holders: Sequence[Holder], display: Display, timeout: float | None, check: bool
) -> Flow[None]:
    """Refresh each until all have ended; see ``Experiment.wait``."""
    timeout = seconds(timeout, "timeout")
    deadline = None if timeout is None else time.monotonic() + timeout
    interval = FIRST_SECONDS
    with display:
        for holder in holders:
            display.update(holder.data)
        waiting = [holder for holder in holders if holder.data.state not in TERMINAL]
        while waiting:
            if deadline is not None and time.monotonic() >= deadline:
                raise _too_long(waiting, timeout or 0)
            left = interval if deadline is None else deadline - time.monotonic()
            yield Pause(max(0.0, min(interval, left)))
            for holder in waiting:
                reply = yield Call("GET", f"/v1/experiments/{holder.data.id}")
                holder.data = ExperimentData.read(reply)
                display.update(holder.data)
            waiting = [holder for holder in waiting if holder.data.state not in TERMINAL]
            interval = min(LONGEST_SECONDS, interval * GROWTH)
    if check:
        for holder in holders:
            raise_if_failed(holder.data)


def raise_if_failed(data: ExperimentData) -> None:
    """ExperimentFailedError with what its runs said, if it failed or was cancelled."""
    if data.state not in ("failed", "cancelled"):
        return
    said = []
    for run in data.runs:
        if run.state == "failed" and run.error:
            text = f"{run.error.get('detail', '')} {run.error.get('remedy') or ''}".strip()
            said.append(f"{run.label()}: {text}")
    counts = f"{data.counts.get(data.state, 0)} of {len(data.runs)} runs"
    raise ExperimentFailedError(
        " ".join([f"Experiment '{data.label()}' {data.state} ({counts}).", *said[:3]]),
        "Its retry() queues them again.",
        data.id,
        data.state,
    )


def _too_long(waiting: Sequence[Holder], timeout: float) -> WaitTimeoutError:
    states = ", ".join(f"'{holder.data.label()}' is {holder.data.state}" for holder in waiting)
    queued = all(holder.data.state == "queued" for holder in waiting)
    remedy = "Is a worker running? Start one with `reglab worker`." if queued else "Wait longer."
    return WaitTimeoutError(f"Not finished in {timeout:g} s: {states}.", remedy)
