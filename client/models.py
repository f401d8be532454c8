"""What the server answers, as typed values; unknown fields of newer servers are ignored."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal, Self, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reglab.client.errors import UnexpectedReplyError
from reglab.core.spec import labels

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]
Sort = Literal["created", "-created", "name", "-name"]
TokenScope = Literal["read", "submit", "admin"]
TERMINAL = ("succeeded", "failed", "cancelled")
M = TypeVar("M", bound=BaseModel)


SHOWN = 4


class Sized:
    """A list or dict as ``repr`` shows it: short ones whole, others by their size."""

    def __init__(self, value: list[Any] | dict[str, Any]) -> None:
        self._value = value

    def __repr__(self) -> str:
        value = self._value
        is_short = len(value) <= SHOWN and len(repr(value)) <= 100
        return repr(value) if is_short else f"<{len(value)} items>"


class Reply(BaseModel):
    """Base of all answers."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Long lists by their size alone."""
        for name, value in super().__repr_args__():
            yield name, Sized(value) if isinstance(value, list | dict) else value

    @classmethod
    def read(cls, response: httpx.Response) -> Self:
        """The answer's body, validated; UnexpectedReplyError if it is something else."""
        return read(cls, response)


def read(model: type[M], response: httpx.Response) -> M:
    """Validate a JSON answer; UnexpectedReplyError names the first thing that does not fit."""
    try:
        return model.model_validate_json(response.content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise UnexpectedReplyError(
            f"The answer of {response.request.url} is not a {model.__name__}: "
            f"{where}: {first['msg']}.",
            "Is this the address of a reglab server, of the client's version?",
        ) from error


class RunData(Reply):
    """One run, as it was when it was read."""

    id: str = Field(description="UUIDv7.")
    experiment_id: str = Field(description="The experiment it belongs to.")
    index: int = Field(description="Position in the experiment, from 0.")
    params: dict[str, Any] = Field(description="Values of the sweep, by dotted path.")
    seed: int = Field(description="Seed of all its random streams.")
    state: State = Field(description="State.")
    attempt: int = Field(description="Number of attempts so far.")
    epoch: int = Field(description="Epochs trained so far.")
    progress: float = Field(description="From 0 to 1.")
    summary: dict[str, Any] | None = Field(None, description="Numbers of the finished run.")
    error: dict[str, Any] | None = Field(None, description="Why it failed.")
    created_at: datetime = Field(description="Time of creation (UTC).")
    started_at: datetime | None = Field(None, description="Start of the last attempt.")
    finished_at: datetime | None = Field(None, description="Time at which it ended.")
    spec: dict[str, Any] | None = Field(
        None, description="The resolved spec; only if the run was requested by itself."
    )

    def label(self) -> str:
        """The sweep's values in short, e.g. ``l2=0.005``, or ``run 0``."""
        return labels([self.params], f"run {self.index}", plain=True)[0]


class ExperimentSummary(Reply):
    """An experiment without its runs."""

    id: str = Field(description="UUIDv7.")
    name: str = Field(description="Name of the experiment.")
    preset: str | None = Field(None, description="Preset from which it was made.")
    tags: tuple[str, ...] = Field((), description="Tags of the experiment.")
    state: State = Field(description="State, derived from the states of the runs.")
    counts: dict[str, int] = Field(description="Number of runs by state.")
    progress: float = Field(description="Mean progress of the runs, from 0 to 1.")
    created_at: datetime = Field(description="Time of creation (UTC).")
    updated_at: datetime = Field(description="Time of the last change of name or tags.")

    def label(self) -> str:
        """Its name, or its preset, or the end of its id."""
        return self.name or self.preset or self.id[-12:]


class ExperimentData(ExperimentSummary):
    """An experiment with its spec and runs, as it was when it was read."""

    spec: dict[str, Any] = Field(description="The submitted spec with all defaults.")
    runs: tuple[RunData, ...] = Field(description="The runs, in the order of their index.")
    dropped: tuple[str, ...] = Field(
        (),
        description="When submitted: fields that an override of a name dropped, as the new kind of "
        "object does not have them.",
    )

    def run_labels(self) -> dict[str, str]:
        """By run id, the sweep's values, as long as tells the sweep's points apart."""
        names = labels([run.params for run in self.runs], "", plain=True)
        return {
            run.id: name or f"run {run.index}" for run, name in zip(self.runs, names, strict=True)
        }


class ExperimentPage(Reply):
    """One page of a listing."""

    items: list[ExperimentSummary] = Field(description="Newest first.")
    next_cursor: str | None = Field(None, description="None on the last page.")


class FigureInfo(Reply):
    """A figure with its caption, or the reason why it cannot be drawn."""

    name: str = Field(description="As in figure(name).")
    title: str = Field(description="Title of the figure.")
    article_number: int | None = Field(
        None, description="Number in the article; null for other figures."
    )
    available: bool = Field(description="Whether it can be drawn from the finished runs.")
    reason: str | None = Field(None, description="Reason why it cannot be drawn.")
    caption: str | None = Field(None, description="Caption with results of the runs.")


class FigureList(Reply):
    """All figures."""

    items: list[FigureInfo] = Field(description="The figures.")


class ArrayInfo(Reply):
    """A stored array of a run, without its values."""

    name: str = Field(description="As in array(name).")
    dtype: str = Field(description="As NumPy writes it, e.g. '<f4'.")
    shape: list[int] = Field(description="Length of each axis.")
    bytes: int = Field(description="Size of the values.")
    sha256: str = Field(description="SHA-256 of the little-endian values in C order.")


class ArrayList(Reply):
    """All stored arrays of a run."""

    items: list[ArrayInfo] = Field(description="The arrays, sorted by name.")


class PresetChoice(Reply):
    """A decision that could have been another."""

    name: str = Field(description="Short name.")
    text: str = Field(description="What is chosen.")
    overrides: dict[str, Any] = Field({}, description="What it changes in the preset.")


class PresetInfo(Reply):
    """A preset."""

    name: str = Field(description="As in submit(name).")
    title: str = Field(description="Title of the experiment.")
    description: str = Field(description="What the experiment shows.")
    figures: list[str] = Field(description="Article figures that its runs feed.")
    runs: int = Field(description="Number of runs.")
    spec: dict[str, Any] = Field(description="The spec.")
    article: bool = Field(description="Whether it is one of the six experiments of the article.")
    substitute: str | None = Field(
        None, description="Dataset that is used if the preset's own is not available."
    )
    controls: list[dict[str, Any]] = Field(
        [], description="Overrides of the experiments that its claims need as controls."
    )
    choices: list[PresetChoice] = Field(
        [], description="Choices that the article leaves open, taken otherwise than in the preset."
    )


class PresetList(Reply):
    """All presets."""

    items: list[PresetInfo] = Field(
        description="The presets of the article in its order, then the others."
    )


class Estimate(Reply):
    """What an experiment would cost."""

    runs: int = Field(description="Number of runs.")
    epochs: int = Field(description="Total of all runs.")
    steps: int = Field(description="Total number of updates of all runs.")
    longest_seconds: float = Field(description="Time of the longest run.")
    cpu_seconds: float = Field(description="Total time of all runs on one core each.")
    seconds: float = Field(description="Until all have ended, if nothing else waits.")
    slots: int = Field(description="Runs that the living workers train at once.")
    waiting: int = Field(description="Number of queued runs of other experiments.")
    dropped: tuple[str, ...] = Field(
        (),
        description="Fields that an override of a name dropped, as the new kind of object does not "
        "have them.",
    )


class Health(Reply):
    """The server answers."""

    status: str = Field(description="Always 'ok'.")
    version: str = Field(description="The server's version.")


class Readiness(Reply):
    """What the server needs, part by part; 'ok' or what is wrong."""

    ready: bool = Field(description="Whether submissions are accepted.")
    database: str = Field(description="State of the database.")
    broker: str = Field(description="State of the broker.")
    worker: str = Field(description="Whether a worker has recently reported.")
    worker_seconds: float | None = Field(None, description="Since the freshest was seen.")
    workers: int | None = Field(None, description="Number of active workers.")
    slots: int | None = Field(None, description="Number of runs that they train at the same time.")
    queued: int | None = Field(None, description="Number of queued runs.")
    running: int | None = Field(None, description="Number of running runs.")
    oldest_queued_seconds: float | None = Field(
        None, description="Seconds for which the oldest queued run has waited; 0 if there is none."
    )


class TokenInfo(Reply):
    """A token without its secret."""

    id: str = Field(description="Id of the token, which is also part of its text.")
    name: str = Field(description="Purpose or owner of the token.")
    scope: TokenScope = Field(description="What it allows; each includes those before it.")
    state: Literal["active", "expired", "revoked"] = Field(
        description="Whether it is valid, expired or revoked."
    )
    created_at: datetime = Field(description="Time of creation (UTC).")
    expires_at: datetime | None = Field(description="UTC; None never expires.")
    revoked_at: datetime | None = Field(
        None, description="Time of revocation (UTC); null if it was not revoked."
    )
    last_used_at: datetime | None = Field(
        None, description="Time of the last use (UTC), accurate to some minutes."
    )


class NewToken(TokenInfo):
    """A token that was just created."""

    token: str = Field(repr=False, description="Its text, which nobody can read again.")


class TokenList(Reply):
    """All tokens of a server."""

    items: list[TokenInfo] = Field(description="The tokens, newest first.")
