"""What a claim is, and how replicates decide it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from reglab.core.claims.regions import Region
from reglab.core.errors import CODE_FAULTS, NotMeasurableError
from reglab.core.results import RunResult
from reglab.core.spec import RunSpec
from reglab.core.statistics import Adjustment, adjusted, are_equal, interval_of_mean

Runs = Sequence[RunResult]
PerSeed = Mapping[int, float]
Measure = Callable[[Runs], PerSeed]
Verdict = Literal["supported", "not_supported", "undecided", "not_discriminating"]
Kind = Literal["finding", "sanity"]
KINDS: tuple[Kind, ...] = ("finding", "sanity")

# The least n for which n replicates that all agree are significant at 5 % in a two-sided sign test:
# 2 ** (1 - n) < 0.05.
MINIMUM_SEEDS = 6
# Chance of any false verdict among claims that are decided together.
ERROR_RATE = 0.05
LAST_BIT = 2.0**-23
PERTURBATIONS = 20
FAILED = "Its measurement failed; the server's log says why."
log = logging.getLogger("reglab.claims")


@dataclass(frozen=True)
class Control:
    """Runs for which a claim must be false: one that they support, too, does not discriminate.

    Attributes:
        text: What is changed, as a clause: "labels shuffled".
        take: Makes the control's runs from finished ones, usually the claim's own.
        changes: Values by dotted path of runs that are trained for the control alone; without any,
            the control is made of the claim's own runs.
    """

    text: str
    take: Callable[[Runs], Runs] = field(default=lambda runs: runs)
    changes: Mapping[str, Any] = field(default_factory=dict)

    def is_of(self, spec: RunSpec) -> bool:
        """Whether runs of a spec are trained for this control."""
        return bool(self.changes) and all(
            _at(spec, path) == value for path, value in self.changes.items()
        )

    def runs(self, runs: Runs) -> Runs:
        """Those that the claim is measured on as its control."""
        return self.take([run for run in runs if self.is_of(run.spec)] if self.changes else runs)


def _at(spec: Any, path: str) -> Any:
    for part in path.split("."):
        spec = getattr(spec, part, None)
    return spec


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
        reason: Why there is no verdict, or why it is undecided or does not discriminate.
        turns: What the verdict would be if the threshold were a quarter less or more, by that
            threshold, where it would be another.
        is_fragile: Whether the verdict turns with the last bit (of float32) of the statistics.
        control: The same of the claim's control; None where the claim has none.
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
    turns: Mapping[str, Verdict] = field(default_factory=dict)
    is_fragile: bool = False
    control: Outcome | None = None

    @property
    def seeds(self) -> int:
        """Number of replicates."""
        return len(self.by_seed)

    @property
    def is_threshold_sensitive(self) -> bool | None:
        """Whether the verdict turns if the threshold moves by a quarter; None if it cannot move."""
        if self.p_value is None or not self.claim.region.moved():
            return None
        return bool(self.turns)


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
        control: Runs for which it must be false.
        kind: 'sanity' for what must hold if the code is right, whatever is true of networks:
            identities and conditions of an experiment.
        minimum_seeds: Fewer replicates are never a verdict.
    """

    id: str
    text: str
    section: str
    statistic: str
    region: Region
    presets: tuple[str, ...]
    measure: Measure
    control: Control | None = None
    kind: Kind = "finding"
    minimum_seeds: int = MINIMUM_SEEDS

    def outcome(self, runs: Runs) -> Outcome:
        """What runs and their control say about it, yet without a verdict: see ``decide``."""
        done = [run for run in runs if run.state == "succeeded"]
        if self.control is None:
            return self._measured(done)
        found = self._measured([run for run in done if not self.control.is_of(run.spec)])
        if found.value is None:
            return found
        return replace(found, control=self._controlled(done))

    def evaluate(self, runs: Runs) -> Outcome:
        """The verdict of these runs on this claim alone; a pure function of them."""
        (found,) = decide([self.outcome(runs)])
        return found

    def _controlled(self, done: Runs) -> Outcome:
        assert self.control is not None
        try:
            runs = self.control.runs(done)
        except NotMeasurableError as missing:
            return Outcome(self, reason=str(missing))
        except CODE_FAULTS:
            log.exception("control of claim %s failed", self.id)
            return Outcome(self, reason=FAILED)
        if not runs and self.control.changes:
            wanted = " and ".join(f"{path} = {at}" for path, at in self.control.changes.items())
            return Outcome(self, reason=f"It needs runs with {wanted}, else like the claim's own.")
        return self._measured(runs)

    def _by_seed(self, runs: Runs) -> PerSeed:
        found = self.measure(runs)
        if not found:
            raise NotMeasurableError("No seed has all the runs that are compared.")
        wrong = [seed for seed, value in found.items() if not np.isfinite(value)]
        if wrong:
            raise NotMeasurableError(f"It is not a finite number for seed {wrong[0]}.")
        return {seed: float(found[seed]) for seed in sorted(found)}

    def _measured(self, runs: Runs) -> Outcome:
        try:
            by_seed = self._by_seed(runs)
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


def decide(outcomes: Sequence[Outcome], method: Adjustment = "holm") -> list[Outcome]:
    """Verdicts of which, by Holm's correction, any is false with a chance of at most 5 %.

    Findings are decided together, sanity checks and controls each among themselves.
    """
    found = _together(outcomes, method)
    at = [at for at, one in enumerate(found) if one.control is not None]
    controls = _together([one.control for one in found if one.control is not None], method)
    for where, control in zip(at, controls, strict=True):
        found[where] = _against(found[where], control)
    return found


def _together(outcomes: Sequence[Outcome], method: Adjustment) -> list[Outcome]:
    found = list(outcomes)
    for kind in KINDS:
        chosen = [
            at for at, one in enumerate(found) if one.p_value is not None and one.claim.kind == kind
        ]
        tested = np.array([found[at].p_value for at in chosen], np.float64)
        corrected = adjusted(tested, method)
        for place, at in enumerate(chosen):
            one = _decided(found[at], float(corrected[place]), len(chosen))
            turns = _turns(one, tested, place, method)
            found[at] = replace(
                one, turns=turns, is_fragile=_is_fragile(one, tested, place, method)
            )
    return found


def _is_fragile(outcome: Outcome, tested: Any, place: int, method: Adjustment) -> bool:
    """Whether the verdict turns in any of twenty perturbations of each seed's last bit."""
    values = np.array(list(outcome.by_seed.values()))
    if are_equal(values):
        return False
    p_values = tested.copy()
    signs = np.random.default_rng(0).choice((-1.0, 1.0), size=(PERTURBATIONS, len(values)))
    for moved in values * (1 + LAST_BIT * signs):
        p_values[place] = outcome.claim.region.p_value(moved)
        p_adjusted = float(adjusted(p_values, method)[place])
        moved_outcome = replace(outcome, value=float(moved.mean()))
        if _verdict(moved_outcome, outcome.claim.region, p_adjusted) != outcome.verdict:
            return True
    return False


def _turns(outcome: Outcome, tested: Any, place: int, method: Adjustment) -> dict[str, Verdict]:
    """Other verdicts by moved threshold, all else being equal."""
    found: dict[str, Verdict] = {}
    for region in outcome.claim.region.moved():
        p_values = tested.copy()
        p_values[place] = region.p_value(list(outcome.by_seed.values()))
        verdict = _verdict(outcome, region, float(adjusted(p_values, method)[place]))
        if verdict != outcome.verdict:
            found[str(region)] = verdict
    return found


def _verdict(outcome: Outcome, region: Region, p_adjusted: float) -> Verdict:
    assert outcome.value is not None
    if p_adjusted > ERROR_RATE:
        return "undecided"
    return "supported" if region.margin(outcome.value) > 0 else "not_supported"


def _decided(outcome: Outcome, p_adjusted: float, count: int) -> Outcome:
    region = outcome.claim.region
    verdict = _verdict(outcome, region, p_adjusted)
    if verdict != "undecided":
        return replace(outcome, p_adjusted=p_adjusted, verdict=verdict, reason=None)
    assert outcome.p_value is not None
    reason = f"The interval reaches across the threshold ({region})."
    if outcome.p_value <= ERROR_RATE:
        reason = (
            f"p is {outcome.p_value:.3g}, and {p_adjusted:.3g} once corrected for the {count} "
            "claims that are decided together."
        )
    return replace(outcome, p_adjusted=p_adjusted, verdict=verdict, reason=reason)


def _against(outcome: Outcome, control: Outcome) -> Outcome:
    """The outcome with its control, whose support takes a claim's support away."""
    if (outcome.verdict, control.verdict) != ("supported", "supported"):
        return replace(outcome, control=control)
    assert outcome.claim.control is not None
    reason = (
        f"Its control ({outcome.claim.control.text}) supports it, too: {control.value:.3g} on "
        f"{control.seeds} seeds, where it must not be {outcome.claim.region}."
    )
    return replace(outcome, control=control, verdict="not_discriminating", reason=reason, turns={})


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
        measure: Measure,
        control: Control | None = None,
        kind: Kind = "finding",
    ) -> Claim:
        """The claim ``<prefix>-<name>``."""
        parts = (f"{self.prefix}-{name}", text, self.title, statistic, region, self.presets)
        return Claim(*parts, measure, control, kind)
