"""Live events of an experiment (Server-Sent Events), read on over lost connections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from httpx_sse import ServerSentEvent
from pydantic import Field, ValidationError

from reglab.client.errors import ClientError, UnexpectedReplyError
from reglab.client.flow import Call
from reglab.client.models import TERMINAL, Reply, State
from reglab.core.spec.metrics import CURVES

COLUMNS = ", ".join(metric.name for metric in CURVES)


class RunMoved(Reply):
    """Progress of one run."""

    id: str = Field(description="The run.")
    index: int = Field(description="Position in the experiment, from 0.")
    state: State = Field(description="State.")
    attempt: int = Field(description="Number of attempts so far.")
    epoch: int = Field(description="Epochs trained so far.")
    progress: float = Field(description="From 0 to 1.")
    error: dict[str, Any] | None = Field(None, description="Why it failed.")


class Event(Reply):
    """Base of all events.

    A stream begins with a snapshot of each kind: all runs as they are. Later events tell changes.
    """

    kind: str = Field("", description="'state', 'progress', 'metrics' or 'deleted'.")
    id: str = Field("", description="Pass it as ``after`` to continue after this event.")
    experiment_id: str = Field(description="The experiment.")
    snapshot: bool = Field(
        False, description="Whether it contains the whole state rather than changes."
    )


class StateEvent(Event):
    """The experiment's or a run's state changed."""

    kind: Literal["state"] = "state"
    state: State = Field(description="The experiment's state.")
    counts: dict[str, int] = Field(description="Number of runs by state.")
    progress: float = Field(description="Mean progress of the runs, from 0 to 1.")
    runs: list[RunMoved] = Field(description="Runs whose state or attempt changed.")


class ProgressEvent(Event):
    """Runs went on."""

    kind: Literal["progress"] = "progress"
    progress: float = Field(description="Mean progress of the runs, from 0 to 1.")
    runs: list[RunMoved] = Field(description="Runs whose epoch or progress changed.")


class MetricsEvent(Event):
    """New evaluations; in a snapshot only the latest of each run."""

    kind: Literal["metrics"] = "metrics"
    columns: Mapping[str, Sequence[Any]] = Field(
        description=f"run_id, epoch, {COLUMNS}; None where a run has none."
    )


class DeletedEvent(Event):
    """The experiment is gone; the stream ends."""

    kind: Literal["deleted"] = "deleted"


# Told apart by ``kind``, also by type checkers.
AnyEvent = StateEvent | ProgressEvent | MetricsEvent | DeletedEvent
KINDS: dict[str, type[AnyEvent]] = {
    "state": StateEvent,
    "progress": ProgressEvent,
    "metrics": MetricsEvent,
    "deleted": DeletedEvent,
}


class EventReader:
    """What one stream has read: where to go on, how long to wait, when to end.

    Args:
        experiment_id: The experiment.
        after: Id of the last event that was seen, or None to begin with snapshots.
        patience: How many connections may break one after another without an event.
    """

    def __init__(self, experiment_id: str, after: str | None, patience: int) -> None:
        self._path = f"/v1/experiments/{experiment_id}/events"
        self._last, self._patience = after, patience
        self._state = ""
        self._broken = 0
        self.pause = 1.0
        self.ended = False

    def call(self) -> Call:
        """The request that opens the stream, or opens it again."""
        headers = {"Accept": "text/event-stream"}
        if self._last is not None:
            headers["Last-Event-ID"] = self._last
        return Call("GET", self._path, headers=headers)

    def accept(self, received: ServerSentEvent) -> Iterator[AnyEvent]:
        """The event, if it is of a kind that this version knows."""
        if received.retry is not None:
            self.pause = received.retry / 1000
        if received.id:
            self._last = received.id
        self._broken = 0
        kind = KINDS.get(received.event)
        if kind is None:
            return
        try:
            event = kind.model_validate({**received.json(), "id": received.id})
        except (ValueError, ValidationError) as error:
            raise UnexpectedReplyError(
                f"Event '{received.event}' cannot be read: {error}."
            ) from error
        if isinstance(event, StateEvent):
            self._state = event.state
        self.ended = isinstance(event, DeletedEvent)
        yield event

    def closed(self) -> None:
        """The server closed the stream, having said all or because it stops."""
        self.ended = self.ended or self._state in TERMINAL
        if not self.ended:
            self._count()

    def broke(self, error: ClientError) -> None:
        """The connection broke; raises the error when it broke too often."""
        self._count(error)

    def _count(self, error: ClientError | None = None) -> None:
        self._broken += 1
        if self._broken > self._patience:
            raise error or UnexpectedReplyError(
                "The server closes the stream of events again and again."
            )
