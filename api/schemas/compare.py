"""Comparisons of two runs or two experiments."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from reglab.api.schemas.base import ID


class Difference(BaseModel):
    """Paired difference, b minus a."""

    count: int = Field(description="Number of pairs.", examples=[10])
    mean_a: float = Field(description="Mean of a.", examples=[0.87])
    mean_b: float = Field(description="Mean of b.", examples=[0.9])
    difference: float = Field(description="Mean of b minus a.", examples=[0.03])
    low: float | None = Field(
        description="Lower end of its 95 % interval (Student's t); null for fewer than three "
        "pairs.",
        examples=[0.02],
    )
    high: float | None = Field(description="Upper end of the interval.", examples=[0.04])
    effect_size: float | None = Field(
        description="Standardized mean difference of pairs (Hedges' g_z); null if all are equal.",
        examples=[1.8],
    )
    p_value: float | None = Field(description="p-value of the paired t-test.", examples=[0.001])


class MetricRow(BaseModel):
    """One metric of two runs."""

    metric: str = Field(description="Name of the metric.", examples=["test_loss"])
    a: float = Field(description="Value of the first run.", examples=[0.41])
    b: float = Field(description="Value of the second run.", examples=[0.38])
    difference: float = Field(description="b minus a.", examples=[-0.03])


class McNemarBody(BaseModel):
    """Test examples that only one of the two networks answers correctly."""

    only_a: int = Field(
        description="Examples that only the first network answers correctly.", examples=[210]
    )
    only_b: int = Field(
        description="Examples that only the second network answers correctly.", examples=[264]
    )
    p_value: float = Field(description="p-value of the exact two-sided test.", examples=[0.015])
    odds_ratio: float | None = Field(
        description="only_b / only_a; null if only_a is 0.", examples=[1.26]
    )


class ByExample(BaseModel):
    """Two networks on the same test examples."""

    accuracy: Difference = Field(description="Difference in accuracy.")
    nll: Difference | None = Field(
        description="Of the negative log-likelihood, nats; null where one of the two was trained "
        "with squared loss, whose outputs are no probabilities."
    )
    mcnemar: McNemarBody = Field(description="McNemar's test on the right answers.")


class PointRow(BaseModel):
    """One metric at one sweep point, paired by seed."""

    params_a: dict[str, Any] = Field(description="The sweep point in a.", examples=[{}])
    params_b: dict[str, Any] = Field(description="The sweep point in b.", examples=[{}])
    metric: str = Field(description="Name of the metric.", examples=["test_accuracy"])
    seeds: list[int] = Field(description="Seeds that both have.", examples=[[0, 1, 2]])
    result: Difference = Field(description="Paired difference over these seeds.")


class Comparison(BaseModel):
    """Two runs, or two experiments."""

    kind: str = Field(description="'runs' or 'experiments'.", examples=["runs"])
    a: str = Field(description="The first.", examples=[ID])
    b: str = Field(description="The second.", examples=[ID])
    metrics: list[MetricRow] | None = Field(description="Of two runs; else null.")
    by_example: ByExample | None = Field(
        description="Of two runs with the same test examples; else null."
    )
    by_example_reason: str | None = Field(
        description="Why the runs cannot be compared by example.", examples=[None]
    )
    by_seed: list[PointRow] | None = Field(description="Of two experiments; else null.")
