"""The JSON documents of an archive, as strict as what is read from them needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from numpy.typing import NDArray
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from reglab.core.results import State
from reglab.core.spec import ExperimentSpec, ResolvedRun

# What a column of 32 bits holds.
Whole = Annotated[int, Field(ge=0, lt=2**31, strict=True)]
Number = Annotated[float, Field(strict=True)]
NotNegative = Annotated[float, Field(ge=0, strict=True)]
Part = Annotated[float, Field(ge=0, le=1, strict=True)]
# Clocks of two machines differ.
FUTURE = timedelta(days=1)
# A hundred years.
LONGEST_SECONDS = 3.2e9
Tag = Annotated[str, Field(min_length=1, max_length=64)]


def _near(moment: datetime) -> datetime:
    """Databases and time zones have years from 1 to 9999 only, and no clock is so far off."""
    if not 1970 <= moment.year <= 2500:
        raise ValueError("a year from 1970 to 2500")
    if moment > datetime.now(UTC) + FUTURE:
        raise ValueError("no moment in the future")
    return moment.astimezone(UTC)


def _text(value: Any) -> Any:
    """A number would be read as seconds since 1970."""
    if not isinstance(value, str):
        raise ValueError("a date and time as RFC 3339 text")  # noqa: TRY004 # as Pydantic asks
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_text), AfterValidator(_near)]


class Document(BaseModel):
    """No unknown fields, no NaN."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class OpenDocument(BaseModel):
    """Further fields are kept; nothing here reads them."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)


class ExperimentDocument(Document):
    """``experiment.json``."""

    id: UUID
    created_at: Moment
    name: str = Field(max_length=200)
    preset: str | None = Field(max_length=64)
    tags: list[Tag] = Field(max_length=32)
    spec: dict[str, Any]
    updated_at: Moment


class FinalDocument(Document):
    """The evaluation of the network that was kept."""

    epoch: Whole
    step: int = Field(ge=0, lt=2**63, strict=True)
    train_loss: NotNegative
    train_accuracy: Part
    test_loss: NotNegative
    test_accuracy: Part
    validation_loss: NotNegative | None = None
    validation_accuracy: Part | None = None
    average_train_loss: NotNegative | None = None
    average_train_accuracy: Part | None = None
    average_test_loss: NotNegative | None = None
    average_test_accuracy: Part | None = None


class StoppingDocument(Document):
    """What early stopping did."""

    stopped: bool
    last_epoch: Whole
    best_epoch: Whole
    best_validation_loss: NotNegative
    restored: bool


class CalibrationDocument(OpenDocument):
    """Calibration errors with the interval that a figure shows."""

    ece: Part
    ece_low: Part
    ece_high: Part
    # Older versions did not measure them.
    ece_floor: Part | None = None
    ece_floor_high: Part | None = None


class ProvenanceDocument(OpenDocument):
    """Where the data came from."""

    source: str | None = None
    licence: str | None = None
    files: dict[str, str] | None = None
    unigram_loss: Number | None = None


Text = Annotated[str, Field(max_length=200, pattern=r"^[^\n|<>`\[\]]*$")]


class MachineDocument(OpenDocument):
    """What the run was made on; a claims document quotes it."""

    processor: Text
    system: Text
    c_library: Text
    reglab: Text | None
    commit: Text | None
    python: Text
    packages: dict[Text, Text | None] = Field(max_length=20)


class LayerDocument(OpenDocument):
    """One weight matrix in short."""

    layer: Whole
    sparsity: Part
    norm: NotNegative
    largest: NotNegative


class SummaryDocument(OpenDocument):
    """The summary of a finished run."""

    final: FinalDocument
    seconds: float | None = Field(None, ge=0, le=LONGEST_SECONDS, strict=True)
    steps: int | None = Field(None, ge=0, lt=2**63, strict=True)
    engine_version: Annotated[str, Field(pattern=r"^[0-9.]{1,20}$")] | None = None
    ece: Part | None = None
    weights: list[LayerDocument] | None = None
    early_stopping: StoppingDocument | None = None
    calibration: CalibrationDocument | None = None
    provenance: ProvenanceDocument | None = None
    made_by: MachineDocument | None = None


class ErrorDocument(OpenDocument):
    """Why a run failed."""

    type: str
    detail: str
    remedy: str
    field: str | None = None
    attempt: Whole | None = None
    at: str | None = None


class RunDocument(Document):
    """``runs/0000.json``."""

    id: UUID
    created_at: Moment
    index: Whole
    params: dict[str, Any]
    seed: int = Field(ge=0, lt=2**63, strict=True)
    spec: dict[str, Any]
    state: State
    attempt: Whole
    epoch: Whole
    progress: Part
    error: ErrorDocument | None
    errors: list[ErrorDocument] = Field(max_length=1000)
    summary: dict[str, Any] | None
    started_at: Moment | None
    finished_at: Moment | None


@dataclass(frozen=True)
class CheckedRun:
    """One run of an archive that was found sound.

    Attributes:
        document: ``runs/0000.json``.
        resolved: The run of the experiment's spec that it is.
        curves: Its columns.
        arrays: Its result arrays.
    """

    document: RunDocument
    resolved: ResolvedRun
    curves: Mapping[str, NDArray[Any]]
    arrays: Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Checked:
    """An archive that was found sound (``exchange.checks``).

    Attributes:
        experiment: ``experiment.json``.
        spec: Its spec.
        runs: By index.
    """

    experiment: ExperimentDocument
    spec: ExperimentSpec
    runs: list[CheckedRun]
