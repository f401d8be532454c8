"""Claims."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from reglab.core import claims
from reglab.core.claims import robustness


class ControlRow(BaseModel):
    """What the runs of a claim's control say about it: they must not support it."""

    text: str = Field(
        description="What is changed against the claim's own runs.", examples=["labels shuffled"]
    )
    value: float | None = Field(
        description="Mean of the statistic over seeds; null where it cannot be measured.",
        examples=[0.002],
    )
    low: float | None = Field(description="Lower end of its 95 % interval.", examples=[-0.004])
    high: float | None = Field(description="Upper end.", examples=[0.008])
    seeds: int = Field(description="Number of replicates.", examples=[10])
    p_value: float | None = Field(description="As of the claim.", examples=[0.47])
    p_adjusted: float | None = Field(
        description="Corrected for all controls that are decided together.", examples=[1.0]
    )
    verdict: Literal["supported", "not_supported", "undecided"] | None = Field(
        description="As of the claim; null where the control's runs are missing.",
        examples=["undecided"],
    )
    reason: str | None = Field(
        description="Why it has no verdict, or why it is undecided.", examples=[None]
    )

    @classmethod
    def of(cls, text: str, outcome: claims.Outcome) -> ControlRow:
        """From the outcome of a control."""
        names = ("value", "low", "high", "seeds", "p_value", "p_adjusted", "verdict", "reason")
        return cls(text=text, **{name: getattr(outcome, name) for name in names})


class ClaimRow(BaseModel):
    """One claim and what the runs say about it."""

    id: str = Field(description="Short name.", examples=["l2-test-accuracy"])
    text: str = Field(description="The statement.", examples=["The mildest L2 decay ..."])
    kind: claims.Kind = Field(
        description="'finding', or 'sanity' for what must hold if the code is right: identities "
        "and conditions of an experiment. Both are decided among themselves.",
        examples=["finding"],
    )
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
    threshold_reason: str = Field(
        description="Why the region has the ends that it has; empty where they are zero.",
        examples=[""],
    )
    threshold_sensitive: bool | None = Field(
        description="Whether the verdict would be another if the threshold were a quarter less or "
        "more; null where the threshold is zero or there is no verdict.",
        examples=[None],
    )
    fragile: bool = Field(
        description="Whether the verdict turns with the last bit of the statistics.",
        examples=[False],
    )
    turns: dict[str, claims.Verdict] = Field(
        description="The other verdicts, by moved region.", examples=[{"> 0.375": "supported"}]
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
    verdict: claims.Verdict | None = Field(
        description="Null where the claim does not apply to these runs; 'not_discriminating' where "
        "its control supports it, too.",
        examples=["supported"],
    )
    reason: str | None = Field(
        description="Why it does not apply, is undecided, or does not discriminate.",
        examples=[None],
    )
    control: ControlRow | None = Field(
        description="Runs for which the claim must be false; null where it has none or does not "
        "apply.",
        examples=[None],
    )

    @classmethod
    def of(cls, outcome: claims.Outcome) -> ClaimRow:
        """From an outcome."""
        claim = outcome.claim
        return cls(
            id=claim.id,
            text=claim.text,
            kind=claim.kind,
            section=claim.section,
            presets=list(claim.presets),
            statistic=claim.statistic,
            threshold=str(claim.region),
            threshold_low=claim.region.low,
            threshold_high=claim.region.high,
            threshold_reason=claim.region.reason,
            threshold_sensitive=outcome.is_threshold_sensitive,
            fragile=outcome.is_fragile,
            turns=dict(outcome.turns),
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
            control=(
                ControlRow.of(claim.control.text, outcome.control)
                if claim.control and outcome.control
                else None
            ),
        )


class ClaimList(BaseModel):
    """All claims."""

    items: list[ClaimRow] = Field(description="The claims, in the order of the article.")
    varied: str = Field(
        description="What differs between seeds, and what the verdicts are about where the "
        "examples do not.",
        examples=["Seeds vary initialization, batches, training and test examples."],
    )
    made_by: str = Field(
        description="Engine, processor and versions that made the runs.",
        examples=["20 runs by engine version 5 (reglab 0.1.0, commit unknown) on ..."],
    )


class ChoiceRow(BaseModel):
    """A decision that the article leaves open, taken otherwise than in the presets."""

    name: str = Field(description="Short name.", examples=["centred-inputs"])
    text: str = Field(
        description="What is chosen.", examples=["the mean training image subtracted"]
    )
    experiments: list[str] = Field(
        description="Ids of the experiments whose runs decide the claims of this column.",
        examples=[["019a8a1e-0000-7000-8000-000000000000"]],
    )


class ChoiceVerdict(BaseModel):
    """What the runs of one choice say about one claim."""

    choice: str = Field(description="Name of the choice.", examples=["centred-inputs"])
    verdict: claims.Verdict | None = Field(description="As of a claim.", examples=["supported"])
    value: float | None = Field(description="Mean of the statistic over seeds.", examples=[0.041])
    low: float | None = Field(description="Lower end of its 95 % interval.", examples=[0.028])
    high: float | None = Field(description="Upper end.", examples=[0.055])
    seeds: int = Field(description="Number of replicates.", examples=[10])

    @classmethod
    def of(cls, choice: str, outcome: claims.Outcome) -> ChoiceVerdict:
        """From the outcome under a choice."""
        names = ("verdict", "value", "low", "high", "seeds")
        return cls(choice=choice, **{name: getattr(outcome, name) for name in names})


class RobustnessRow(BaseModel):
    """One claim under every choice that bears on it."""

    claim: str = Field(description="Id of the claim.", examples=["l2-test-accuracy"])
    text: str = Field(description="The statement.", examples=["The mildest L2 decay ..."])
    robust: bool = Field(description="Whether the verdict is the same under all.", examples=[True])
    verdicts: list[ChoiceVerdict] = Field(
        description="In the order of the choices; one that does not change the claim's runs is not "
        "among them."
    )


class Robustness(BaseModel):
    """Claims by choice: which hold whatever was chosen, and which hang on a choice."""

    choices: list[ChoiceRow] = Field(description="The presets' own choices first.")
    items: list[RobustnessRow] = Field(description="The claims that a choice bears on.")

    @classmethod
    def of(cls, found: robustness.Table) -> Robustness:
        """From the table."""
        return cls(
            choices=[
                ChoiceRow(
                    name=one.name, text=one.text, experiments=list(found.experiments[one.name])
                )
                for one in found.choices
            ],
            items=[cls._row(found, claim) for claim in found.claims],
        )

    @staticmethod
    def _row(found: robustness.Table, claim: str) -> RobustnessRow:
        names = [one.name for one in found.choices if (claim, one.name) in found.outcomes]
        return RobustnessRow(
            claim=claim,
            text=claims.REGISTRY[claim].text,
            robust=found.is_robust(claim),
            verdicts=[ChoiceVerdict.of(name, found.outcomes[claim, name]) for name in names],
        )
