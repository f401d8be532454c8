"""Bodies of answers; descriptions and examples appear in the API reference."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field, field_validator

from reglab.core.spec import ExperimentSpec, RunSpec
from reglab.core.storage import ExperimentRecord, RunRecord, State

ID = "01a20e8c-cfe5-759a-82b0-fdfa1ca8176f"


class PresetRequest(BaseModel):
    """A preset with changes."""

    preset: str = Field(description="Name of a preset.", examples=["l2"])
    overrides: dict[str, Any] = Field(
        default_factory=dict,
        description="Laid over the preset's spec; keys may be dotted paths.",
        examples=[{"training.epochs": 2000, "seeds": [0, 1, 2]}],
    )


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
    attempt: int = Field(description="How often it was started.", examples=[1])
    epoch: int = Field(description="Epochs trained so far.", examples=[120])
    progress: float = Field(description="From 0 to 1.", examples=[0.12])
    summary: dict[str, Any] | None = Field(
        description="Numbers of the finished run; null before.", examples=[{"ece": 0.011}]
    )
    error: dict[str, Any] | None = Field(
        description="Why it failed: type, detail, remedy; null otherwise.", examples=[None]
    )
    errors: list[dict[str, Any]] = Field(description="Errors of all attempts.", examples=[[]])
    created_at: datetime = Field(description="RFC 3339, UTC.")
    started_at: datetime | None = Field(description="Start of the last attempt.")
    finished_at: datetime | None = Field(description="When it ended.")
    cached: bool = Field(
        description="Whether its results were copied from an equal finished run.", examples=[False]
    )
    reused_from: str | None = Field(
        description="The run that was trained, where these are its results; it may be deleted.",
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


class ExperimentSummary(BaseModel):
    """An experiment without its runs."""

    id: str = Field(description="UUIDv7.", examples=[ID])
    name: str = Field(description="Name for people.", examples=["L2 on two moons"])
    preset: str | None = Field(description="The preset it was made from.", examples=["l2"])
    tags: list[str] = Field(description="Labels.", examples=[["course"]])
    state: State = Field(description="Derived from its runs' states.", examples=["running"])
    counts: dict[str, int] = Field(
        description="Number of runs by state.", examples=[{"queued": 7, "running": 2}]
    )
    progress: float = Field(description="Mean of its runs', from 0 to 1.", examples=[0.2])
    created_at: datetime = Field(description="RFC 3339, UTC.")
    updated_at: datetime = Field(description="Last change of name or tags.")

    @classmethod
    def of(cls, record: ExperimentRecord) -> ExperimentSummary:
        """From storage."""
        return cls(**{name: getattr(record, name) for name in ExperimentSummary.model_fields})


class ExperimentBody(ExperimentSummary):
    """An experiment with its spec and runs."""

    spec: ExperimentSpec = Field(description="As submitted, defaults filled in.")
    runs: list[RunBody] = Field(description="Its runs, by index.")

    @classmethod
    def with_runs(cls, record: ExperimentRecord, runs: list[RunRecord]) -> ExperimentBody:
        """From storage."""
        fields = {name: getattr(record, name) for name in ExperimentSummary.model_fields}
        spec = ExperimentSpec.model_validate(record.spec)
        return cls(**fields, spec=spec, runs=[RunBody.of(run) for run in runs])


class SubmittedBody(ExperimentBody):
    """An experiment as it was submitted."""

    dropped: list[str] = Field(
        description="Fields of the preset that an override of a ``name`` dropped, as the new kind "
        "of object does not have them.",
        examples=[["dataset.noise"]],
    )


class ExperimentPage(BaseModel):
    """One page of experiments, newest first."""

    items: list[ExperimentSummary] = Field(description="The experiments.")
    next_cursor: str | None = Field(
        description="Give it as ``cursor`` for the next page; null on the last.", examples=[None]
    )


class RunList(BaseModel):
    """All runs of an experiment."""

    items: list[RunBody] = Field(description="By index.")


class ExperimentChange(BaseModel):
    """What may be changed after submission."""

    model_config = {"extra": "forbid", "strict": True}

    name: str | None = Field(None, max_length=200, description="New name.", examples=["Trial 2"])
    tags: list[str] | None = Field(
        None, max_length=32, description="New tags, in place of the old.", examples=[["course"]]
    )

    @field_validator("name", "tags")
    @classmethod
    def _says_something(cls, value: Any) -> Any:
        # What is left out stays; null would stay, too, without a word.
        if value is None:
            raise ValueError("Leave it out to keep it; '' and [] take it away.")
        return value


class CalibrationBin(BaseModel):
    """One bin of a reliability table."""

    bin: int = Field(description="From 0, by confidence.", examples=[0])
    count: int = Field(description="Test examples in the bin.", examples=[667])
    lower: float = Field(description="Smallest confidence, or left edge.", examples=[0.31])
    upper: float = Field(description="Largest confidence, or right edge.", examples=[0.55])
    confidence: float = Field(description="Mean confidence.", examples=[0.47])
    accuracy: float = Field(description="Share of right answers.", examples=[0.41])
    gap: float = Field(description="Confidence minus accuracy.", examples=[0.06])


class ErrorCdf(BaseModel):
    """Cumulative distribution of the confidence of wrong answers."""

    confidence: list[float] = Field(description="Sorted confidences.", examples=[[0.4, 0.9]])
    share: list[float] = Field(description="Share of errors up to it.", examples=[[0.5, 1.0]])


class CalibrationBody(BaseModel):
    """Calibration of one run on its test set."""

    run_id: str = Field(description="The run.", examples=[ID])
    binning: str = Field(description="'quantile' or 'uniform'.", examples=["quantile"])
    bins: int = Field(description="Number of bins asked for.", examples=[15])
    table: list[CalibrationBin] = Field(description="One row per filled bin.")
    ece: float = Field(description="Expected calibration error.", examples=[0.011])
    mce: float = Field(description="Maximum calibration error.", examples=[0.05])
    confidence_on_errors: ErrorCdf = Field(description="How sure the model was when wrong.")


class EceRow(BaseModel):
    """Calibration errors of one run."""

    run_id: str = Field(description="The run.", examples=[ID])
    index: int = Field(description="Position in the experiment.", examples=[0])
    params: dict[str, Any] = Field(
        description="Values of the sweep.", examples=[{"regularization.label_smoothing": 0.015}]
    )
    seed: int = Field(description="The run's seed.", examples=[0])
    ece: float = Field(description="Expected calibration error.", examples=[0.011])
    ece_low: float = Field(description="Lower end of its 95 % bootstrap interval.", examples=[0.01])
    ece_high: float = Field(description="Upper end.", examples=[0.02])
    ece_debiased: float = Field(description="Debiased, root of squares.", examples=[0.013])
    ece_classwise: float = Field(description="Mean over classes.", examples=[0.006])
    mce: float = Field(description="Maximum calibration error.", examples=[0.05])
    brier: float = Field(description="Brier score, sum over classes.", examples=[0.18])
    nll: float = Field(description="Mean negative log-likelihood, nats.", examples=[0.41])
    accuracy: float = Field(description="On the test set.", examples=[0.88])
    confidence: float = Field(description="Mean confidence on the test set.", examples=[0.89])
    ece_adaptive: float = Field(
        description="ACE (Nixon et al., 2019): over classes and equal-mass ranges, unweighted.",
        examples=[0.006],
    )
    brier_reliability: float = Field(
        description="Brier score = reliability - resolution + uncertainty + within.",
        examples=[0.01],
    )
    brier_resolution: float = Field(description="See brier_reliability.", examples=[0.7])
    brier_uncertainty: float = Field(description="Of the labels alone.", examples=[0.9])
    brier_within: float = Field(
        description="Variance within bins minus twice the covariance.", examples=[-0.02]
    )
    accuracy_low: float = Field(
        description="Lower end of the 95 % bootstrap interval over examples.", examples=[0.87]
    )
    accuracy_high: float = Field(description="Upper end.", examples=[0.89])
    nll_low: float = Field(description="Lower end, as of accuracy.", examples=[0.4])
    nll_high: float = Field(description="Upper end.", examples=[0.42])
    brier_low: float = Field(description="Lower end, as of accuracy.", examples=[0.17])
    brier_high: float = Field(description="Upper end.", examples=[0.19])


class EceTable(BaseModel):
    """Calibration errors of all finished runs."""

    binning: str = Field(description="'quantile' or 'uniform'.", examples=["quantile"])
    bins: int = Field(description="Number of bins.", examples=[15])
    items: list[EceRow] = Field(description="One row a finished run, by index.")


class BoundaryBody(BaseModel):
    """Probability of class 1 over the plane, or what stands for it."""

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
        description="Epochs that can be asked for; empty without probes.boundary.snapshots.",
        examples=[[0, 40, 160]],
    )
    dropout_seed: int | None = Field(
        description="Seed of the one network shown with dropout on; null if it is off.",
        examples=[None],
    )


class WeightMatrix(BaseModel):
    """One weight matrix."""

    layer: int = Field(description="From 0 at the input.", examples=[1])
    shape: list[int] = Field(description="(n_in, n_out).", examples=[[64, 64]])
    sparsity: float = Field(description="Share of |w| <= threshold.", examples=[0.93])
    norm: float = Field(description="Root of the sum of squares.", examples=[7.9])
    largest: float = Field(description="Largest |w|.", examples=[1.2])
    values: list[list[float]] = Field(description="W, (n_in, n_out).", examples=[[[0.0, 0.1]]])


class WeightsBody(BaseModel):
    """Weight matrices of a run."""

    run_id: str = Field(description="The run.", examples=[ID])
    threshold: float = Field(description="What counts as zero.", examples=[0.001])
    matrices: list[WeightMatrix] = Field(description="The matrices asked for.")


class ArrayRow(BaseModel):
    """A stored array, without its values."""

    name: str = Field(description="As in the path.", examples=["param.W0"])
    dtype: str = Field(description="As NumPy writes it.", examples=["<f4"])
    shape: list[int] = Field(description="Length of each axis.", examples=[[2, 64]])
    bytes: int = Field(description="Size of the values.", examples=[512])
    sha256: str = Field(description="Of the little-endian values in C order.")


class ArrayList(BaseModel):
    """Everything that is stored of a run."""

    items: list[ArrayRow] = Field(description="By name.")


class ArrayBody(ArrayRow):
    """A stored array."""

    run_id: str = Field(description="The run.", examples=[ID])
    values: Any = Field(description="Nested lists; NaN is null.", examples=[[[0.0, 0.1]]])


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
    """What a run predicts on its test set."""

    run_id: str = Field(description="The run.", examples=[ID])
    labels: list[int] = Field(description="True classes, (N,).", examples=[[7]])
    predicted: list[int] = Field(description="Most probable classes, (N,).", examples=[[7]])
    probabilities: list[list[float]] = Field(description="(N, K).", examples=[[[0.1, 0.9]]])


class PredictRequest(BaseModel):
    """Inputs to classify."""

    model_config = {"extra": "forbid", "strict": True, "allow_inf_nan": False}

    inputs: list[list[float]] = Field(
        min_length=1,
        max_length=10_000,
        description="(N, d), scaled as the training data is (pixels from 0 to 1).",
        examples=[[[0.5, 0.25]]],
    )
    dropout_samples: int = Field(
        0, ge=0, le=1000, description="Also average this many networks with dropout left on."
    )
    seed: int = Field(0, ge=0, description="Seed of the dropout masks.")


class PredictBody(BaseModel):
    """Class probabilities."""

    run_id: str = Field(description="The run.", examples=[ID])
    predicted: list[int] = Field(description="Most probable classes, (N,).", examples=[[1]])
    probabilities: list[list[float]] = Field(
        description="Dropout off, (N, K).", examples=[[[0.1, 0.9]]]
    )
    dropout_mean: list[list[float]] | None = Field(
        description="Mean over networks with dropout on, (N, K).", examples=[None]
    )
    dropout_std: list[list[float]] | None = Field(
        description="Standard deviation over them, (N, K).", examples=[None]
    )


class FigureRow(BaseModel):
    """A figure that can be drawn, or why it cannot."""

    name: str = Field(description="As in figures/{name}.png.", examples=["fig02-l2-boundaries"])
    title: str = Field(description="For people.", examples=["Decision boundaries over L2"])
    article_number: int | None = Field(description="Its number in the article.", examples=[2])
    available: bool = Field(description="Whether it can be drawn now.", examples=[True])
    reason: str | None = Field(description="Why not.", examples=[None])
    caption: str | None = Field(description="With numbers from the runs.", examples=[None])


class FigureList(BaseModel):
    """All figures."""

    items: list[FigureRow] = Field(description="Article figures, then general ones.")


class PresetRow(BaseModel):
    """A preset."""

    name: str = Field(description="As in {'preset': name}.", examples=["l2"])
    title: str = Field(description="For people.", examples=["L2 weight decay on two moons"])
    description: str = Field(description="What it shows.", examples=["Two moons with ..."])
    figures: list[str] = Field(description="Figures it feeds.", examples=[["fig04-weights"]])
    runs: int = Field(description="Number of runs.", examples=[9])
    spec: dict[str, Any] = Field(description="Its spec.", examples=[{}])
    article: bool = Field(description="Whether it is one of the article's six.", examples=[True])
    substitute: str | None = Field(
        description="Dataset to fall back to where its own cannot be had.", examples=[None]
    )


class PresetList(BaseModel):
    """All presets."""

    items: list[PresetRow] = Field(description="The article's in its order, then the others.")


class DatasetRow(BaseModel):
    """A dataset."""

    name: str = Field(description="As in dataset.name.", examples=["mnist"])
    title: str = Field(description="For people.", examples=["MNIST"])
    n_features: int = Field(description="Features per example.", examples=[784])
    n_classes: int = Field(description="Classes.", examples=[10])
    image_shape: list[int] | None = Field(description="Rows, columns.", examples=[[28, 28]])
    source: str = Field(description="Where it comes from.", examples=["MNIST, IDX files"])
    licence: str = Field(description="Its licence.", examples=["CC BY-SA 3.0"])
    available: bool = Field(description="Whether this server has it.", examples=[True])
    reason: str | None = Field(description="Why not, and what to do.", examples=[None])


class DatasetList(BaseModel):
    """All datasets."""

    items: list[DatasetRow] = Field(description="The datasets.")


class Health(BaseModel):
    """The process answers."""

    status: str = Field(description="Always 'ok'.", examples=["ok"])
    version: str = Field(description="reglab's version.", examples=["0.1.0"])


class Readiness(BaseModel):
    """What the server needs, part by part."""

    ready: bool = Field(description="Whether submissions can be taken.", examples=[True])
    database: str = Field(description="'ok', or what is wrong.", examples=["ok"])
    broker: str = Field(description="'ok', or what is wrong.", examples=["ok"])
    worker: str = Field(description="'ok', or how long none was seen.", examples=["ok"])
    worker_seconds: float | None = Field(
        None, description="Seconds since the freshest worker was seen.", examples=[0.8]
    )
    workers: int | None = Field(None, description="Workers seen lately.", examples=[2])
    slots: int | None = Field(None, description="Runs that they train at once.", examples=[8])
    queued: int | None = Field(None, description="Runs that wait.", examples=[0])
    running: int | None = Field(None, description="Runs in training.", examples=[3])
    oldest_queued_seconds: float | None = Field(
        None, description="Age of the longest waiting run; 0 if none waits.", examples=[0.0]
    )
