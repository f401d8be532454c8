"""Claims of the article, against the runs of an experiment."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from reglab.client.models import Reply

Verdict = Literal["supported", "not_supported", "undecided", "not_discriminating"]


class ClaimControl(Reply):
    """Runs for which a claim must be false, and what they say about it."""

    text: str = Field(description="What is changed against the claim's own runs.")
    value: float | None = Field(None, description="Mean of the statistic over seeds.")
    low: float | None = Field(None, description="Lower end of its 95 % interval over seeds.")
    high: float | None = Field(None, description="Upper end.")
    seeds: int = Field(0, description="Number of replicates.")
    verdict: Literal["supported", "not_supported", "undecided"] | None = Field(
        None, description="None where the control's runs are missing."
    )
    reason: str | None = Field(None, description="Why it has no verdict, or is undecided.")


class Claim(Reply):
    """One claim and what the runs say about it."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: str = Field(description="Short name.")
    text: str = Field(description="The statement.")
    kind: Literal["finding", "sanity"] = Field(
        "finding", description="'sanity' for what must hold if the code is right."
    )
    section: str = Field("", description="What it is about.")
    presets: list[str] = Field([], description="Presets whose runs it needs.")
    statistic: str = Field(description="What is measured in each seed.")
    threshold: str = Field(description="Region in which the mean must lie.")
    threshold_reason: str = Field("", description="Why the region has the ends that it has.")
    threshold_sensitive: bool | None = Field(
        None, description="Whether a threshold a quarter less or more gives another verdict."
    )
    fragile: bool = Field(
        False, description="Whether the verdict turns with the last bit of the statistics."
    )
    turns: dict[str, Verdict] = Field({}, description="The other verdicts, by moved region.")
    value: float | None = Field(None, description="Mean of the statistic over seeds.")
    low: float | None = Field(None, description="Lower end of its 95 % interval over seeds.")
    high: float | None = Field(None, description="Upper end.")
    seeds: int = Field(0, description="Number of replicates.")
    minimum_seeds: int = Field(0, description="Fewer are never a verdict.")
    p_value: float | None = Field(None, description="Two-sided, of this claim alone.")
    p_adjusted: float | None = Field(
        None, description="Corrected for all claims that are decided together."
    )
    verdict: Verdict | None = Field(
        None, description="None where the claim does not apply to these runs."
    )
    reason: str | None = Field(
        None, description="Why it does not apply, is undecided, or does not discriminate."
    )
    control: ClaimControl | None = Field(
        None, description="Runs for which it must be false, and what they say."
    )


class ClaimList(Reply):
    """All claims."""

    items: list[Claim] = Field(description="The claims, in the order of the article.")
    varied: str = Field("", description="What differs between seeds.")
    made_by: str = Field("", description="Engine, processor and versions that made the runs.")


class Choice(Reply):
    """A decision that the article leaves open, taken otherwise than in the presets."""

    name: str = Field(description="Short name.")
    text: str = Field(description="What is chosen.")
    experiments: list[str] = Field([], description="Ids of the experiments of this column.")


class ChoiceVerdict(Reply):
    """What the runs of one choice say about one claim."""

    choice: str = Field(description="Name of the choice.")
    verdict: Verdict | None = Field(None, description="As of a claim.")
    value: float | None = Field(None, description="Mean of the statistic over seeds.")
    low: float | None = Field(None, description="Lower end of its 95 % interval over seeds.")
    high: float | None = Field(None, description="Upper end.")
    seeds: int = Field(0, description="Number of replicates.")


class RobustnessRow(Reply):
    """One claim under every choice that bears on it."""

    claim: str = Field(description="Id of the claim.")
    text: str = Field(description="The statement.")
    robust: bool = Field(description="Whether the verdict is the same under all.")
    verdicts: list[ChoiceVerdict] = Field([], description="In the order of the choices.")


class Robustness(Reply):
    """Claims by choice."""

    choices: list[Choice] = Field(description="The presets' own choices first.")
    items: list[RobustnessRow] = Field(description="The claims that a choice bears on.")
