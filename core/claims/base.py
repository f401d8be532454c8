"""What a claim is, and how replicates decide it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import scipy  # its stats, slow to import, are loaded at first use

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

    def margin(self, value: float) -> float:
        """How far inside a value lies, negative outside: its distance from the nearer end."""
        ends = [value - self.low] if self.low is not None else []
        ends += [self.high - value] if self.high is not None else []
        return min(ends)

    def p_value(self, values: Sequence[float]) -> float:
        """Two-sided, of the mean of replicates (n,) lying on that side of the ends where it is.

        By Student's t at the nearer end, which for two ends is the two one-sided tests
        (Schuirmann, 1987). Equal replicates do not tell their spread: the sign test of n of them is
        taken.
        """
        data = np.asarray(values, np.float64)
        if are_equal(data):
            return min(1.0, 2 * 0.5 ** len(data))
        error = data.std(ddof=1) / np.sqrt(len(data))
        distance = abs(self.margin(float(data.mean())))
        return float(2 * scipy.stats.t.sf(distance / error, len(data) - 1))


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
        p_value = self.region.p_value(list(by_seed.values()))
        return Outcome(self, mean.value, low, high, by_seed, p_value)

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
    assert outcome.value is not None
    region = outcome.claim.region
    if p_adjusted <= ERROR_RATE:
        verdict: Verdict = "supported" if region.margin(outcome.value) > 0 else "not_supported"
        return replace(outcome, p_adjusted=p_adjusted, verdict=verdict, reason=None)
    assert outcome.p_value is not None
    reason = f"The interval reaches across the threshold ({region})."
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
