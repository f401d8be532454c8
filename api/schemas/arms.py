"""Comparisons of several arms."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, Field

from reglab.api.schemas.base import ID
from reglab.core.results.arms import ArmComparison
from reglab.core.spec import At
from reglab.core.statistics import ArmAdjustment, Decision


class ArmBody(BaseModel):
    """One arm."""

    id: str = Field(
        description="The experiment; with ':K', the first run of the sweep point.", examples=[ID]
    )
    label: str = Field(description="Name of the experiment and sweep point.", examples=["l2"])
    params: dict[str, Any] = Field(description="The sweep point.", examples=[{}])
    seeds: list[int] = Field(description="Seeds of the finished runs.", examples=[[0, 1, 2]])
    n: int = Field(description="Number of seeds.", examples=[3])
    mean: float | None = Field(
        description="Mean over seeds; null where there is none, or a number is not finite.",
        examples=[0.87],
    )
    low: float | None = Field(
        description="Lower end of its own 95 % interval (Student's t).", examples=[0.85]
    )
    high: float | None = Field(description="Upper end.", examples=[0.89])
    rank: float | None = Field(description="Average rank; 1 is the best.", examples=[1.5])


class ArmDifferenceBody(BaseModel):
    """Arm b minus arm a, paired by seed; null wherever nothing can be decided."""

    a: str = Field(description="Id of the arm a, the baseline if there is one.", examples=[ID])
    b: str = Field(description="Id of the arm b.", examples=[ID])
    seeds: list[int] = Field(description="Seeds that both have.", examples=[[0, 1, 2]])
    difference: float | None = Field(description="Mean of b minus a.", examples=[0.03])
    low: float | None = Field(
        description="Lower end of its interval; the intervals of all comparisons hold together in "
        "95 %.",
        examples=[0.01],
    )
    high: float | None = Field(description="Upper end.", examples=[0.05])
    p_value: float | None = Field(
        description="p-value of the paired t-test alone.", examples=[0.001]
    )
    p_adjusted: float | None = Field(description="Corrected for all comparisons.", examples=[0.003])
    effect_size: float | None = Field(
        description="Standardized mean difference of pairs (Hedges' g_z).", examples=[1.8]
    )
    effect_low: float | None = Field(
        description="Lower end of its 95 % interval (noncentral t), of this comparison alone.",
        examples=[0.7],
    )
    effect_high: float | None = Field(description="Upper end.", examples=[2.9])
    p_equivalent: float | None = Field(
        description="p-value of the difference being within the margin, of two one-sided tests.",
        examples=[None],
    )
    p_equivalent_adjusted: float | None = Field(
        description="Corrected for all comparisons.", examples=[None]
    )
    decision: Decision = Field(description="Of b against a.", examples=["higher"])
    reason: str | None = Field(description="Why it is undecided.", examples=[None])
    text: str = Field(
        description="The decision in a sentence.",
        examples=[
            "'b' has a higher (better) test accuracy than 'a': +0.03 [+0.01, +0.05], n = 10."
        ],
    )


class RanksBody(BaseModel):
    """Friedman's test of the arms' ranks."""

    over: str = Field(description="'seeds' or 'datasets', which all arms have.", examples=["seeds"])
    blocks: int = Field(description="Number of them.", examples=[10])
    statistic: float | None = Field(description="Friedman's chi-squared.", examples=[9.3])
    p_value: float | None = Field(description="p-value of all arms being alike.", examples=[0.01])
    critical_difference: float | None = Field(
        description="Average ranks that differ by more are told apart at 5 % (Nemenyi).",
        examples=[1.05],
    )
    reason: str | None = Field(description="Why nothing is tested.", examples=[None])


class BootstrapBody(BaseModel):
    """A number with its 95 % interval by the stratified bootstrap."""

    value: float = Field(description="The number.", examples=[0.8])
    low: float = Field(description="Lower end.", examples=[0.7])
    high: float = Field(description="Upper end.", examples=[0.9])


class ProfileBody(BaseModel):
    """Share of the runs of all datasets that are better than each threshold."""

    thresholds: list[float] = Field(description="Rising, in units of the metric.")
    share: list[float] = Field(description="Share at each threshold.")
    low: list[float] = Field(description="Lower ends of pointwise 95 % intervals.")
    high: list[float] = Field(description="Upper ends.")


class OverDatasetsBody(BaseModel):
    """Arms over several datasets (Agarwal et al., 2021)."""

    interquartile_means: list[BootstrapBody] = Field(
        description="Of each arm: mean of the middle half of all runs."
    )
    improvements: list[BootstrapBody] = Field(
        description="Of each comparison: the chance that a run of b is better than one of a."
    )
    profiles: list[ProfileBody] = Field(description="Of each arm.")


class ArmsBody(BaseModel):
    """Several arms by one metric."""

    kind: str = Field(description="'arms'.", examples=["arms"])
    metric: str = Field(description="Name of the metric.", examples=["test_accuracy"])
    higher_is_better: bool = Field(description="Whether greater values are better.")
    at: At = Field(description="Of which network.", examples=["kept"])
    baseline: str | None = Field(description="Id of the arm; null for all pairs.", examples=[None])
    adjust: ArmAdjustment = Field(description="How p-values are corrected.", examples=["holm"])
    margin: float | None = Field(description="Margin of equivalence.", examples=[None])
    datasets: list[str] = Field(description="Names of the datasets.", examples=[["two_moons"]])
    varied: str = Field(
        description="What the seeds vary.",
        examples=["Seeds vary initialization, batches, training and test examples."],
    )
    arms: list[ArmBody] = Field(description="A row per arm.")
    comparisons: list[ArmDifferenceBody] = Field(
        description="All arms against the baseline, or all pairs."
    )
    ranks: RanksBody = Field(description="Average ranks tested.")
    over_datasets: OverDatasetsBody | None = Field(
        description="Of several datasets; null for one, and where a number is not finite."
    )


def body_of(found: ArmComparison, at: At) -> ArmsBody:
    """The answer."""
    ids = [row.arm.id for row in found.arms]
    rows = [
        asdict(one) | {"a": ids[one.a], "b": ids[one.b], "text": text}
        for one, text in zip(found.comparisons, found.texts, strict=True)
    ]
    over = "datasets" if len(found.datasets) > 1 else "seeds"
    return ArmsBody.model_validate(
        {
            "kind": "arms",
            "metric": found.metric,
            "higher_is_better": found.higher_is_better,
            "at": at,
            "baseline": None if found.baseline is None else ids[found.baseline],
            "adjust": found.adjust,
            "margin": found.margin,
            "datasets": found.datasets,
            "varied": found.varied,
            "arms": [
                {
                    "id": row.arm.id,
                    "label": row.arm.label,
                    "params": row.arm.params,
                    "seeds": row.seeds,
                    "n": len(row.seeds),
                    "mean": row.mean,
                    "low": row.low,
                    "high": row.high,
                    "rank": row.rank,
                }
                for row in found.arms
            ],
            "comparisons": rows,
            "ranks": asdict(found.ranks) | {"over": over},
            "over_datasets": found.over_datasets and asdict(found.over_datasets),
        }
    )
