"""What is measured of a run's test answers without bins."""

from __future__ import annotations

from pydantic import BaseModel, Field

from reglab.api.schemas.base import ID


class CorpStep(BaseModel):
    """One step of the isotonic fit of accuracy to confidence."""

    lower: float = Field(description="Smallest confidence of the step.", examples=[0.31])
    upper: float = Field(description="Largest confidence.", examples=[0.55])
    count: int = Field(description="Test examples on the step.", examples=[212])
    confidence: float = Field(description="Mean confidence.", examples=[0.47])
    accuracy: float = Field(description="Share of right answers.", examples=[0.41])


class ConsistencyBand(BaseModel):
    """Where 95 % of the steps of a calibrated network are, place by place."""

    confidence: list[float] = Field(
        description="Confidences of test examples, ascending, (P,).", examples=[[0.5, 0.9]]
    )
    low: list[float] = Field(description="Lower ends, (P,).", examples=[[0.41, 0.87]])
    high: list[float] = Field(description="Upper ends, (P,).", examples=[[0.6, 0.94]])


class CorpBody(BaseModel):
    """Reliability without bins (CORP), and the parts of the Brier score of the confidence."""

    run_id: str = Field(description="The run.", examples=[ID])
    steps: list[CorpStep] = Field(description="By rising confidence; the accuracy rises, too.")
    band: ConsistencyBand = Field(description="The consistency band, by seeded resampling.")
    smooth_ece: float = Field(
        description="SmoothECE (Błasiok and Nakkiran, 2024).", examples=[0.013]
    )
    score: float = Field(
        description="Mean (confidence - right)^2 = miscalibration - discrimination + uncertainty.",
        examples=[0.08],
    )
    miscalibration: float = Field(
        description="MCB: what the score would gain if the confidence were the accuracy of its "
        "step.",
        examples=[0.002],
    )
    discrimination: float = Field(
        description="DSC: what the steps gain over the overall accuracy.", examples=[0.03]
    )
    uncertainty: float = Field(description="UNC: accuracy * (1 - accuracy).", examples=[0.108])


class SelectiveBody(BaseModel):
    """Risk over coverage: errors if only the surest answers are given."""

    run_id: str = Field(description="The run.", examples=[ID])
    coverage: list[float] = Field(
        description="Share of the test examples that are answered, the surest first; at most 201 "
        "points.",
        examples=[[0.5, 1.0]],
    )
    risk: list[float] = Field(
        description="Share of wrong answers among them. Examples of equal confidence come in "
        "random order: this is the expected value.",
        examples=[[0.02, 0.12]],
    )
    threshold: list[float] = Field(
        description="Smallest confidence among them.", examples=[[0.97, 0.34]]
    )
    aurc: float = Field(
        description="Area under the curve: mean risk over the coverages 1/N, 2/N, ..., 1.",
        examples=[0.03],
    )
    least_aurc: float = Field(
        description="That of a network with as many errors that is surer of every right answer "
        "than of any wrong one.",
        examples=[0.008],
    )
    excess_aurc: float = Field(description="aurc - least_aurc.", examples=[0.022])


class ClassRow(BaseModel):
    """How one class is answered."""

    label: int = Field(description="The class.", examples=[7])
    count: int = Field(description="Test examples of the class.", examples=[1028])
    answers: int = Field(description="Test examples that are answered so.", examples=[1031])
    recall: float | None = Field(
        description="Share of its examples that are answered so.", examples=[0.97]
    )
    precision: float | None = Field(
        description="Share of right ones among such answers.", examples=[0.96]
    )
    f1: float | None = Field(description="2 TP / (2 TP + FP + FN).", examples=[0.965])
    reason: str | None = Field(None, description="Why a number is null.", examples=[None])


class ConfusionBody(BaseModel):
    """Which classes are taken for which on the test set."""

    run_id: str = Field(description="The run.", examples=[ID])
    matrix: list[list[int]] = Field(
        description="Test examples by class (rows) and answer (columns), (K, K).",
        examples=[[[48, 2], [1, 49]]],
    )
    classes: list[ClassRow] = Field(description="One row per class.")
    accuracy: float = Field(description="Share of right answers.", examples=[0.97])
    balanced_accuracy: float = Field(
        description="Mean recall of the classes that have a test example.", examples=[0.97]
    )
    macro_f1: float = Field(
        description="Mean F1 of the classes that have a test example or an answer.",
        examples=[0.97],
    )
