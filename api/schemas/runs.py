"""One run: its state and the tables behind its figures."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from reglab.api.schemas.base import ID
from reglab.core.results import State
from reglab.core.spec import RunSpec
from reglab.core.storage import RunRecord


class RunBody(BaseModel):
    """One run."""

    id: str = Field(description="UUIDv7.", examples=[ID])
    experiment_id: str = Field(description="The experiment it belongs to.", examples=[ID])
    index: int = Field(description="Position in the experiment, from 0.", examples=[0])
    params: dict[str, Any] = Field(
        description="Values of the sweep, by dotted path.", examples=[{"regularization.l2": 0.005}]
    )
    seed: int = Field(description="Seed of all its random streams.", examples=[0])
    state: State = Field(description="State.", examples=["running"])
    attempt: int = Field(description="Number of attempts so far.", examples=[1])
    epoch: int = Field(description="Epochs trained so far.", examples=[120])
    progress: float = Field(description="From 0 to 1.", examples=[0.12])
    summary: dict[str, Any] | None = Field(
        description="Results of the finished run; null before.", examples=[{"ece": 0.011}]
    )
    error: dict[str, Any] | None = Field(
        description="Type, detail and remedy of the error that ended the run; null otherwise.",
        examples=[None],
    )
    errors: list[dict[str, Any]] = Field(description="Errors of all attempts.", examples=[[]])
    created_at: datetime = Field(description="Time of submission (RFC 3339, UTC).")
    started_at: datetime | None = Field(description="Start of the last attempt.")
    finished_at: datetime | None = Field(description="Time at which it ended.")
    cached: bool = Field(
        description="Whether its results were copied from an equal finished run.", examples=[False]
    )
    reused_from: str | None = Field(
        description="Id of the run that was trained, if the results were copied from it; it may "
        "have been deleted.",
        examples=[None],
    )

    @classmethod
    def of(cls, record: RunRecord) -> RunBody:
        """From storage."""
        return cls(**{name: getattr(record, name) for name in cls.model_fields})


class RunDetail(RunBody):
    """One run with its resolved spec."""

    spec: RunSpec = Field(description="The resolved spec.")

    @classmethod
    def of(cls, record: RunRecord) -> RunDetail:
        """From storage."""
        fields = {n: getattr(record, n) for n in cls.model_fields if n != "spec"}
        return cls(**fields, spec=RunSpec.model_validate(record.spec))


class CalibrationBin(BaseModel):
    """One bin of a reliability table."""

    bin: int = Field(description="Index of the bin from 0, in order of confidence.", examples=[0])
    count: int = Field(description="Test examples in the bin.", examples=[667])
    lower: float = Field(description="Smallest confidence, or left edge.", examples=[0.31])
    upper: float = Field(description="Largest confidence, or right edge.", examples=[0.55])
    confidence: float = Field(description="Mean confidence.", examples=[0.47])
    accuracy: float = Field(description="Share of right answers.", examples=[0.41])
    gap: float = Field(description="Confidence minus accuracy.", examples=[0.06])
    chance_low: float = Field(
        description="Lower end of where at least 95 % of the accuracies of a calibrated network "
        "are.",
        examples=[0.43],
    )
    chance_high: float = Field(description="Upper end.", examples=[0.51])


class ErrorCdf(BaseModel):
    """Cumulative distribution of the confidence of wrong answers."""

    confidence: list[float] = Field(
        description="Confidences in ascending order.", examples=[[0.4, 0.9]]
    )
    share: list[float] = Field(
        description="Share of errors with at most this confidence.", examples=[[0.5, 1.0]]
    )


class CalibrationBody(BaseModel):
    """Calibration of one run on its test set."""

    run_id: str = Field(description="The run.", examples=[ID])
    binning: str = Field(description="'quantile' or 'uniform'.", examples=["quantile"])
    bins: int = Field(description="Requested number of bins.", examples=[15])
    table: list[CalibrationBin] = Field(description="One row per bin that is not empty.")
    ece: float = Field(description="Expected calibration error.", examples=[0.011])
    ece_low: float = Field(
        description="Lower end of a 95 % interval of the true error, with endless test examples.",
        examples=[0.002],
    )
    ece_high: float = Field(description="Upper end.", examples=[0.02])
    ece_floor: float = Field(
        description="Mean ECE of a perfectly calibrated network with the same confidences.",
        examples=[0.008],
    )
    ece_floor_high: float = Field(description="Its 95th percentile.", examples=[0.012])
    ece_above_floor: bool = Field(
        description="Whether the ECE is above that percentile: chance alone hardly explains it.",
        examples=[False],
    )
    mce: float = Field(description="Maximum calibration error.", examples=[0.05])
    confidence_on_errors: ErrorCdf = Field(
        description="Distribution of the confidence in wrong answers."
    )


class BoundaryBody(BaseModel):
    """Probability of class 1 over the plane, or the quantity that is shown in its place."""

    run_id: str = Field(description="The run.", examples=[ID])
    x: list[float] = Field(description="Grid coordinates, (R,).", examples=[[-1.5, 0.5, 2.5]])
    y: list[float] = Field(description="Grid coordinates, (R,).", examples=[[-1.0, 0.0, 1.0]])
    probability: list[list[float]] = Field(
        description="p(class 1), (R, R); row i has y[i].", examples=[[[0.1, 0.9]]]
    )
    quantity: str = Field(
        description=(
            "What 'probability' holds: of a network trained with squared loss it is the softmax of "
            "its outputs, which is no probability."
        ),
        examples=["probability of class 1"],
    )
    points: list[list[float]] = Field(description="Training points, (N, 2).", examples=[[[0, 1]]])
    labels: list[int] = Field(description="Their labels as trained, (N,).", examples=[[0]])
    epoch: int | None = Field(
        description="The snapshot that is shown; null for the trained network.", examples=[None]
    )
    snapshot_epochs: list[int] = Field(
        description="Epochs for which a boundary is stored; empty without "
        "probes.boundary.snapshots.",
        examples=[[0, 40, 160]],
    )
    dropout_seed: int | None = Field(
        description="Seed of the one network shown with dropout on; null if it is off.",
        examples=[None],
    )


class WeightMatrix(BaseModel):
    """One weight matrix."""

    layer: int = Field(description="Index of the layer, from 0 at the input.", examples=[1])
    shape: list[int] = Field(description="(n_in, n_out).", examples=[[64, 64]])
    sparsity: float = Field(description="Share of |w| <= threshold.", examples=[0.93])
    norm: float = Field(description="Root of the sum of squares.", examples=[7.9])
    largest: float = Field(description="Largest |w|.", examples=[1.2])
    values: list[list[float]] = Field(description="W, (n_in, n_out).", examples=[[[0.0, 0.1]]])


class WeightsBody(BaseModel):
    """Weight matrices of a run."""

    run_id: str = Field(description="The run.", examples=[ID])
    threshold: float = Field(
        description="Magnitude up to which an entry counts as zero.", examples=[0.001]
    )
    matrices: list[WeightMatrix] = Field(description="The requested matrices.")


class SpectrumBody(BaseModel):
    """Change of the first layer along the principal axes of the training set."""

    run_id: str = Field(description="The run.", examples=[ID])
    epochs: list[int] = Field(
        description="Times, (T,), planned over training.epochs: where early stopping ended a run, "
        "those before its end.",
        examples=[[5, 1000]],
    )
    eigenvalues: list[float] = Field(
        description="Variance of the training inputs along each axis (divided by N - 1), falling, "
        "(d,).",
        examples=[[52.1, 3.0]],
    )
    energy: list[list[float]] = Field(description="E_k(t), (T, d).", examples=[[[0.2, 0.1]]])
    cumulative: list[list[float]] = Field(
        description="Share of the first k components, (T, d).", examples=[[[0.67, 1.0]]]
    )
    isotropic: list[float] = Field(description="k / d, (d,).", examples=[[0.5, 1.0]])


class PredictionsBody(BaseModel):
    """Predictions of a run on its test set."""

    run_id: str = Field(description="The run.", examples=[ID])
    labels: list[int] = Field(description="True classes, (N,).", examples=[[7]])
    predicted: list[int] = Field(
        description="Most probable class of each input, (N,).", examples=[[7]]
    )
    probabilities: list[list[float]] = Field(
        description="Probabilities, (N, K).", examples=[[[0.1, 0.9]]]
    )


class PredictRequest(BaseModel):
    """Inputs to classify."""

    model_config = {"extra": "forbid", "strict": True, "allow_inf_nan": False}

    inputs: list[list[float]] = Field(
        default_factory=list,
        max_length=10_000,
        description="Inputs, (N, d), scaled like the training data (pixels from 0 to 1); of "
        "uploaded arrays and images as they were uploaded.",
        examples=[[[0.5, 0.25]]],
    )
    rows: list[dict[str, Any]] = Field(
        default_factory=list,
        max_length=10_000,
        description="In place of inputs for an uploaded table: N objects with the value of each "
        "column as it was uploaded; null where it is missing.",
        examples=[[]],
    )
    dropout_samples: int = Field(
        0,
        ge=0,
        le=1000,
        description="Number of networks with dropout on whose probabilities are also averaged.",
    )
    seed: int = Field(0, ge=0, description="Seed of the dropout masks.")


class PredictBody(BaseModel):
    """Class probabilities."""

    run_id: str = Field(description="The run.", examples=[ID])
    predicted: list[int] = Field(
        description="Most probable class of each input, (N,).", examples=[[1]]
    )
    classes: list[str] = Field(
        description="Names of the classes, (K,); empty where the dataset does not tell.",
        examples=[["upper moon", "lower moon"]],
    )
    probabilities: list[list[float]] = Field(
        description="Probabilities with dropout off, (N, K).", examples=[[[0.1, 0.9]]]
    )
    dropout_mean: list[list[float]] | None = Field(
        description="Mean of the probabilities over networks with dropout on, (N, K).",
        examples=[None],
    )
    dropout_std: list[list[float]] | None = Field(
        description="Standard deviation over them, (N, K).", examples=[None]
    )
