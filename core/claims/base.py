"""What a claim is, and how replicates decide it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from reglab.core.errors import CODE_FAULTS, NotMeasurableError
from reglab.core.results import RunResult
from reglab.core.statistics import bootstrap_mean

Runs = Sequence[RunResult]
PerSeed = Mapping[int, float]
Verdict = Literal["supported", "not_supported", "undecided"]

# The least n for which n replicates that all agree are significant at 5 % in a two-sided sign test:
# 2 ** (1 - n) < 0.05.
MINIMUM_SEEDS = 6
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

    def decide(self, low: float, high: float) -> Verdict:
        """Supported if the interval lies inside, not supported if outside, else undecided."""
        floor = -np.inf if self.low is None else self.low
        ceiling = np.inf if self.high is None else self.high
        if high <= floor or low >= ceiling:
            return "not_supported"
        return "supported" if low > floor and high < ceiling else "undecided"


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
        low: Lower end of the 95 % bootstrap interval of that mean, or None.
        high: Upper end, or None.
        by_seed: The statistic of each seed.
        verdict: None where the claim does not apply to the runs.
        reason: Why there is no verdict, or why it is undecided.
    """

    claim: Claim
    value: float | None = None
    low: float | None = None
    high: float | None = None
    by_seed: PerSeed = field(default_factory=dict)
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

    def evaluate(self, runs: Runs) -> Outcome:
        """The verdict of these runs; a pure function of them."""
        try:
            by_seed = self._by_seed([run for run in runs if run.state == "succeeded"])
        except NotMeasurableError as missing:
            return Outcome(self, reason=str(missing))
        except CODE_FAULTS:
            # One claim must not take all others away; the law of claims says that this never comes.
            log.exception("claim %s failed", self.id)
            return Outcome(self, reason=FAILED)
        mean = bootstrap_mean(list(by_seed.values()))
        known = len(by_seed) > 1
        low, high = (mean.low, mean.high) if known else (None, None)
        if len(by_seed) < self.minimum_seeds:
            reason = f"Too few seeds: {len(by_seed)} of at least {self.minimum_seeds}."
            return Outcome(self, mean.value, low, high, by_seed, "undecided", reason)
        verdict = self.region.decide(mean.low, mean.high)
        across = f"The interval reaches across the threshold ({self.region})."
        undecided = across if verdict == "undecided" else None
        return Outcome(self, mean.value, low, high, by_seed, verdict, undecided)


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
