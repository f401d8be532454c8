"""Claims."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from reglab.core import claims


class ClaimRow(BaseModel):
    """One claim and what the runs say about it."""

    id: str = Field(description="Short name.", examples=["l2-test-accuracy"])
    text: str = Field(description="The statement.", examples=["The mildest L2 decay ..."])
    section: str = Field(description="What it is about.", examples=["L2 weight decay"])
    presets: list[str] = Field(description="Presets whose runs it needs.", examples=[["l2"]])
    statistic: str = Field(
        description="What is measured in each seed.", examples=["final test accuracy at ..."]
    )
    threshold: str = Field(description="Region in which the mean must lie.", examples=["> 0"])
    threshold_low: float | None = Field(
        description="Lower end of the region; null if it has none.", examples=[0.0]
    )
    threshold_high: float | None = Field(
        description="Upper end of the region; null if it has none.", examples=[None]
    )
    value: float | None = Field(
        description="Mean of the statistic over seeds; null where it cannot be measured.",
        examples=[0.041],
    )
    low: float | None = Field(
        description="Lower end of the mean's 95 % interval over seeds (Student's t); null for one "
        "seed and where all seeds are equal.",
        examples=[0.028],
    )
    high: float | None = Field(description="Upper end of the interval.", examples=[0.055])
    seeds: int = Field(description="Number of replicates.", examples=[10])
    minimum_seeds: int = Field(
        description="Number of seeds below which there is no verdict.", examples=[6]
    )
    by_seed: dict[str, float] = Field(
        description="The statistic of each seed.", examples=[{"0": 0.04, "1": 0.05}]
    )
    p_value: float | None = Field(
        description="Two-sided, of this claim alone; null where there are too few seeds.",
        examples=[0.0004],
    )
    p_adjusted: float | None = Field(
        description="Corrected for all claims that are decided together; a verdict needs at most "
        "0.05.",
        examples=[0.008],
    )
    verdict: Literal["supported", "not_supported", "undecided"] | None = Field(
        description="Null where the claim does not apply to these runs.", examples=["supported"]
    )
    reason: str | None = Field(
        description="Why it does not apply, or why it is undecided.", examples=[None]
    )

    @classmethod
    def of(cls, outcome: claims.Outcome) -> ClaimRow:
        """From an outcome."""
        claim = outcome.claim
        return cls(
            id=claim.id,
            text=claim.text,
            section=claim.section,
            presets=list(claim.presets),
            statistic=claim.statistic,
            threshold=str(claim.region),
            threshold_low=claim.region.low,
            threshold_high=claim.region.high,
            value=outcome.value,
            low=outcome.low,
            high=outcome.high,
            seeds=outcome.seeds,
            minimum_seeds=claim.minimum_seeds,
            by_seed={str(seed): value for seed, value in outcome.by_seed.items()},
            p_value=outcome.p_value,
            p_adjusted=outcome.p_adjusted,
            verdict=outcome.verdict,
            reason=outcome.reason,
        )


class ClaimList(BaseModel):
    """All claims."""

    items: list[ClaimRow] = Field(description="The claims, in the order of the article.")
