"""Tables over all runs of an experiment."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from reglab.api.schemas.base import ID


class EceRow(BaseModel):
    """Calibration errors of one run."""

    run_id: str = Field(description="The run.", examples=[ID])
    index: int = Field(description="Position in the experiment.", examples=[0])
    params: dict[str, Any] = Field(
        description="Values of the sweep.", examples=[{"regularization.label_smoothing": 0.015}]
    )
    seed: int = Field(description="The run's seed.", examples=[0])
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
    ece_debiased: float | None = Field(
        description="The ECE minus its bias, at least 0; null where a bin has one example.",
        examples=[0.004],
    )
    rmsce_debiased: float | None = Field(
        description="Root mean squared calibration error, debiased (Kumar et al., 2019); null as "
        "above.",
        examples=[0.006],
    )
    ece_classwise: float = Field(description="Mean over classes.", examples=[0.006])
    mce: float = Field(description="Maximum calibration error.", examples=[0.05])
    brier: float = Field(description="Brier score, sum over classes.", examples=[0.18])
    nll: float = Field(description="Mean negative log-likelihood, nats.", examples=[0.41])
    accuracy: float = Field(description="Accuracy on the test set.", examples=[0.88])
    confidence: float = Field(description="Mean confidence on the test set.", examples=[0.89])
    ece_adaptive: float = Field(
        description="ACE (Nixon et al., 2019): over classes and equal-mass ranges, unweighted.",
        examples=[0.006],
    )
    brier_reliability: float = Field(
        description="Brier score = reliability - resolution + uncertainty + within.",
        examples=[0.01],
    )
    brier_resolution: float = Field(
        description="Resolution; see brier_reliability.", examples=[0.7]
    )
    brier_uncertainty: float = Field(
        description="Uncertainty of the labels; see brier_reliability.", examples=[0.9]
    )
    brier_within: float = Field(
        description="Variance within bins minus twice the covariance; see brier_reliability.",
        examples=[-0.02],
    )
    accuracy_low: float = Field(
        description="Lower end of its 95 % interval over examples (Wilson).", examples=[0.87]
    )
    accuracy_high: float = Field(description="Upper end.", examples=[0.89])
    nll_low: float = Field(
        description="Lower end of the mean's 95 % interval over examples.", examples=[0.4]
    )
    nll_high: float = Field(description="Upper end.", examples=[0.42])
    brier_low: float = Field(
        description="Lower end of the mean's 95 % interval over examples.", examples=[0.17]
    )
    brier_high: float = Field(description="Upper end.", examples=[0.19])
    smooth_ece: float = Field(
        description="SmoothECE of the confidence, without bins (Błasiok and Nakkiran, 2024).",
        examples=[0.013],
    )
    miscalibration: float = Field(
        description="MCB of the isotonic fit (CORP): mean (confidence - right)^2 = miscalibration "
        "- discrimination + accuracy * (1 - accuracy).",
        examples=[0.002],
    )
    discrimination: float = Field(description="DSC; see miscalibration.", examples=[0.03])
    aurc: float = Field(
        description="Area under the risk-coverage curve: mean share of errors among the surest "
        "answers.",
        examples=[0.03],
    )
    excess_aurc: float = Field(
        description="aurc minus the least with as many errors.", examples=[0.022]
    )
    balanced_accuracy: float = Field(
        description="Mean recall of the classes that have a test example.", examples=[0.88]
    )
    macro_f1: float = Field(
        description="Mean F1 of the classes that have a test example or an answer.",
        examples=[0.88],
    )


class EceTable(BaseModel):
    """Calibration errors of all finished runs."""

    binning: str = Field(description="'quantile' or 'uniform'.", examples=["quantile"])
    bins: int = Field(description="Number of bins.", examples=[15])
    items: list[EceRow] = Field(description="One row per finished run, in the order of the index.")
    reason: str | None = Field(
        None, description="Why there is no row.", examples=["No run has finished yet."]
    )
