"""What a claim is, and how replicates decide it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import scipy  # its stats, slow to import, are loaded at first use
from numpy.typing import NDArray

from reglab.core.errors import CODE_FAULTS, NotMeasurableError
from reglab.core.results import RunResult
from reglab.core.statistics import Adjustment, adjusted, are_equal, interval_of_mean

Runs = Sequence[RunResult]
PerSeed = Mapping[int, float]
Verdict = Literal["supported", "not_supported", "undecided"]

# The least n for which n replicates that all agree are significant at 5 % in a two-sided sign test:
# 2 ** (1 - n) < 0.05.
MINIMUM_SEEDS = 6
# Chance of any false verdict among claims that are decided together.
ERROR_RATE = 0.05
FAILED = "Its measurement failed; the server's log says why."
log = logging.getLogger("reglab.claims")


@dataclass(frozen=True)
class Region:
    """Where a statistic must lie for its claim to hold; open where an end is None."""

    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.high is None:
            return f"> {self.low:g}"
        if self.low is None:
            return f"< {self.high:g}"
        return f"from {self.low:g} to {self.high:g}"

    def p_values(self, values: Sequence[float]) -> tuple[float, float]:
        """One-sided p-values that the mean lies outside, and that it lies inside.

        By Student's t of replicates (n,); a region with two ends by two one-sided tests
        (Schuirmann, 1987). Equal replicates do not tell their spread: the sign test of n of them is
        taken.
        """
        outside, inside = [], []
        for end, sign in ((self.low, 1.0), (self.high, -1.0)):
            if end is not None:
                margins = sign * (np.asarray(values, np.float64) - end)
                outside.append(_p_above(margins, mean_is_above=margins.mean() > 0))
                inside.append(_p_above(-margins, mean_is_above=margins.mean() <= 0))
        return max(outside), min(inside)


def _p_above(margins: NDArray[np.float64], mean_is_above: bool) -> float:
    """The one-sided p-value of the hypothesis that the mean of margins (n,) is not above 0."""
    count = len(margins)
    if are_equal(margins):
        return 0.5**count if mean_is_above else 1.0
    statistic = margins.mean() / (margins.std(ddof=1) / np.sqrt(count))
    return float(scipy.stats.t.sf(statistic, count - 1))


def above(threshold: float) -> Region:
    """The statistic exceeds a threshold."""
    return Region(low=threshold)


def below(threshold: float) -> Region:
    """The statistic stays under a threshold."""
    return Region(high=threshold)


def within(low: float, high: float) -> Region:
    """The statistic lies between two ends: for claims that two things are equal."""
    return Region(low, high)


@dataclass(frozen=True)
class Outcome:
    """What replicates say about a claim.

    Attributes:
        claim: The claim.
        value: Mean of the statistic over seeds, or None where it cannot be measured.
        low: Lower end of the 95 % interval of that mean by Student's t, or None where there is one
            seed or all are equal.
        high: Upper end, or None.
        by_seed: The statistic of each seed.
        p_value: Two-sided, of the nearer of the claim and its contrary; None where there are too
            few seeds.
        p_adjusted: The same, corrected for all claims that were decided together.
        verdict: None where the claim does not apply to the runs.
        reason: Why there is no verdict, or why it is undecided.
    """

    claim: Claim
    value: float | None = None
    low: float | None = None
    high: float | None = None
    by_seed: PerSeed = field(default_factory=dict)
    p_value: float | None = None
    p_adjusted: float | None = None
    verdict: Verdict | None = None
    reason: str | None = None

    @property
    def seeds(self) -> int:
        """Number of replicates."""
        return len(self.by_seed)


@dataclass(frozen=True)
class Claim:
    """A statement that can be measured.

    Attributes:
        id: Short name, as in the registry.
        text: The statement.
        section: What it is about, for grouping.
        statistic: What is measured in each seed, with its unit.
        region: Where its mean must lie for the claim to hold.
        presets: Experiments whose runs it needs.
        measure: The statistic by seed, from finished runs; raises NotMeasurableError.
        minimum_seeds: Fewer replicates are never a verdict.
    """

    id: str
    text: str
    section: str
    statistic: str
    region: Region
    presets: tuple[str, ...]
    measure: Callable[[Runs], PerSeed]
    minimum_seeds: int = MINIMUM_SEEDS

    def _by_seed(self, runs: Runs) -> PerSeed:
        found = self.measure(runs)
        if not found:
            raise NotMeasurableError("No seed has all the runs that are compared.")
        wrong = [seed for seed, value in found.items() if not np.isfinite(value)]
        if wrong:
            raise NotMeasurableError(f"It is not a finite number for seed {wrong[0]}.")
        return {seed: float(found[seed]) for seed in sorted(found)}

    def outcome(self, runs: Runs) -> Outcome:
        """What these runs say about it, yet without a verdict: see ``decide``."""
        try:
            by_seed = self._by_seed([run for run in runs if run.state == "succeeded"])
        except NotMeasurableError as missing:
            return Outcome(self, reason=str(missing))
        except CODE_FAULTS:
            # One claim must not take all others away; the law of claims says that this never comes.
            log.exception("claim %s failed", self.id)
            return Outcome(self, reason=FAILED)
        mean = interval_of_mean(list(by_seed.values()))
        known = np.isfinite(mean.low)
        low, high = (mean.low, mean.high) if known else (None, None)
        if len(by_seed) < self.minimum_seeds:
            reason = f"Too few seeds: {len(by_seed)} of at least {self.minimum_seeds}."
            return Outcome(self, mean.value, low, high, by_seed, verdict="undecided", reason=reason)
        p = min(1.0, 2 * min(self.region.p_values(list(by_seed.values()))))
        return Outcome(self, mean.value, low, high, by_seed, p)

    def evaluate(self, runs: Runs) -> Outcome:
        """The verdict of these runs on this claim alone; a pure function of them."""
        (found,) = decide([self.outcome(runs)])
        return found


def decide(outcomes: Sequence[Outcome], method: Adjustment = "holm") -> list[Outcome]:
    """Verdicts of which, by Holm's correction, any is false with a chance of at most 5 %."""
    tested = [one.p_value for one in outcomes if one.p_value is not None]
    corrected = iter(adjusted(tested, method).tolist())
    return [
        one if one.p_value is None else _decided(one, next(corrected), len(tested))
        for one in outcomes
    ]


def _decided(outcome: Outcome, p_adjusted: float, count: int) -> Outcome:
    outside, inside = outcome.claim.region.p_values(list(outcome.by_seed.values()))
    if p_adjusted <= ERROR_RATE:
        verdict: Verdict = "supported" if outside < inside else "not_supported"
        return replace(outcome, p_adjusted=p_adjusted, verdict=verdict, reason=None)
    assert outcome.p_value is not None
    reason = f"The interval reaches across the threshold ({outcome.claim.region})."
    if outcome.p_value <= ERROR_RATE:
        reason = (
            f"p is {outcome.p_value:.3g}, and {p_adjusted:.3g} once corrected for the {count} "
            "claims that are decided together."
        )
    return replace(outcome, p_adjusted=p_adjusted, verdict="undecided", reason=reason)


@dataclass(frozen=True)
class Section:
    """Claims on one subject, whose ids begin alike and which need the same presets."""

    title: str
    prefix: str
    presets: tuple[str, ...]

    def claim(
        self,
        name: str,
        text: str,
        statistic: str,
        region: Region,
        measure: Callable[[Runs], PerSeed],
    ) -> Claim:
        """The claim ``<prefix>-<name>``."""
        identifier = f"{self.prefix}-{name}"
        return Claim(identifier, text, self.title, statistic, region, self.presets, measure)
