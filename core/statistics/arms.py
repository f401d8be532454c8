"""Several arms: all against a baseline or all pairs, with one error rate for all together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from reglab.core.statistics.intervals import LEVEL, are_equal, interval_of_mean
from reglab.core.statistics.multiple import Adjustment, adjusted
from reglab.core.statistics.paired import (
    LEAST_PAIRS,
    compare_pairs,
    effect_interval,
    equivalence_p,
    t_tail,
)
from reglab.core.statistics.simultaneous import (
    against_one_critical,
    all_pairs_critical,
    greatest_against_one,
    greatest_of_all_pairs,
)

Floats = NDArray[np.float64]
Values = Mapping[int, float]
# 'dunnett' and 'tukey' take one error of all arms; see ``compare_arms``.
ArmAdjustment = Literal["holm", "bh", "dunnett", "tukey"]
Decision = Literal["higher", "lower", "equivalent", "undecided"]


@dataclass(frozen=True)
class ArmDifference:
    """Arm b minus arm a, over the seeds that both have.

    Attributes:
        a: Position of a; the baseline where there is one.
        b: Position of b.
        seeds: The seeds that both have, sorted.
        difference: Mean of b - a; None without a pair of finite numbers.
        low: Lower end of its interval; those of all comparisons hold together in 95 %. None where
            nothing can be decided.
        high: Upper end; None likewise.
        p_value: Of the paired t-test alone; None likewise.
        p_adjusted: Corrected for all comparisons; None likewise.
        effect_size: Hedges' g_z; None likewise.
        effect_low: Lower end of the 95 % interval of the effect size, of this comparison alone.
        effect_high: Upper end.
        p_equivalent: Of the difference being within the margin, by two one-sided tests; None
            without a margin.
        p_equivalent_adjusted: The same, corrected.
        decision: Of b against a.
        reason: Why it is undecided; None where it is decided.
    """

    a: int
    b: int
    seeds: list[int]
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    effect_size: float | None = None
    effect_low: float | None = None
    effect_high: float | None = None
    p_equivalent: float | None = None
    p_equivalent_adjusted: float | None = None
    decision: Decision = "undecided"
    reason: str | None = None


def compare_arms(
    arms: Sequence[Values],
    baseline: int | None = None,
    adjust: ArmAdjustment = "holm",
    margin: float | None = None,
) -> list[ArmDifference]:
    """Every arm against the baseline, or every pair of arms, in the order of the arms.

    With 'holm' and 'bh' each comparison is a paired t-test with a variance of its own, whose
    p-values are corrected; intervals are Bonferroni's, which hold together whatever the variances
    and correlations of the arms are. 'dunnett' (against a baseline) and 'tukey' (all pairs) take
    the residual of seeds x arms with (n - 1) (k - 1) degrees of freedom for all comparisons:
    narrower for few seeds, and right where all differences vary equally.

    Args:
        arms: The metric by seed, of each arm.
        baseline: Position of the arm that all others are compared with.
        adjust: How p-values are corrected.
        margin: Differences below it do not matter: they are tested for lying within.

    Raises:
        ValueError: 'dunnett' without a baseline, 'tukey' with one, or either of arms with unequal
            sets of seeds; the message says which.
    """
    if adjust == "dunnett" and baseline is None:
        raise ValueError("Dunnett's test is of all arms against a baseline, and none is named.")
    if adjust == "tukey" and baseline is not None:
        raise ValueError("Tukey's test is of all pairs of arms, without a baseline.")
    pairs = (
        list(combinations(range(len(arms)), 2))
        if baseline is None
        else [(baseline, at) for at in range(len(arms)) if at != baseline]
    )
    found = [_pair(arms, a, b) for a, b in pairs]
    if adjust in ("dunnett", "tukey"):
        return _with_one_error(arms, found, adjust == "dunnett", margin)
    return _one_by_one(arms, found, cast(Adjustment, adjust), margin)


def _changes(arms: Sequence[Values], one: ArmDifference) -> Floats:
    return np.array([arms[one.b][seed] - arms[one.a][seed] for seed in one.seeds])


def _pair(arms: Sequence[Values], a: int, b: int) -> ArmDifference:
    """What a pair says by itself; without a p-value where nothing can be decided."""
    seeds = sorted(arms[a].keys() & arms[b].keys())
    empty = ArmDifference(a, b, seeds)
    wrong = [seed for seed in seeds if not np.isfinite([arms[a][seed], arms[b][seed]]).all()]
    if wrong:
        return replace(empty, reason=f"It is not a finite number for seed {wrong[0]}.")
    if not seeds:
        return replace(empty, reason="They have no seed in common.")
    pair = compare_pairs([arms[a][seed] for seed in seeds], [arms[b][seed] for seed in seeds])
    found = replace(empty, difference=pair.difference)
    if len(seeds) < LEAST_PAIRS:
        reason = f"Too few pairs of equal seeds: {len(seeds)} of at least {LEAST_PAIRS}."
        return replace(found, reason=reason)
    if pair.p_value is None:
        return replace(found, reason="All differences are equal: they do not tell their spread.")
    low, high = effect_interval(_changes(arms, found))
    return replace(
        found,
        p_value=pair.p_value,
        effect_size=pair.effect_size,
        effect_low=low,
        effect_high=high,
    )


def _one_by_one(
    arms: Sequence[Values],
    pairs: Sequence[ArmDifference],
    adjust: Adjustment,
    margin: float | None,
) -> list[ArmDifference]:
    """A variance for each comparison."""
    tested = [one for one in pairs if one.p_value is not None]
    count = len(tested)
    changes = [_changes(arms, one) for one in tested]
    rows = [
        replace(one, low=mean.low, high=mean.high)
        for one, change in zip(tested, changes, strict=True)
        for mean in [interval_of_mean(change.tolist(), 1 - (1 - LEVEL) / count)]
    ]
    p_values = [cast(float, one.p_value) for one in tested]
    if margin is not None:
        p_values += [equivalence_p(change, margin) for change in changes]
    # No mean is both zero and outside of the margin: at most one hypothesis of each pair is true.
    corrected = adjusted(p_values, adjust, count).tolist()
    rows = [replace(row, p_adjusted=p) for row, p in zip(rows, corrected, strict=False)]
    if margin is not None:
        inside = zip(rows, p_values[count:], corrected[count:], strict=True)
        rows = [
            replace(row, p_equivalent=p, p_equivalent_adjusted=p_adjusted)
            for row, p, p_adjusted in inside
        ]
    decided = {(row.a, row.b): _decided(row, count) for row in rows}
    return [decided.get((one.a, one.b), one) for one in pairs]


def _with_one_error(
    arms: Sequence[Values], pairs: Sequence[ArmDifference], against_one: bool, margin: float | None
) -> list[ArmDifference]:
    """The residual of seeds x arms for all comparisons."""
    if len({frozenset(arm) for arm in arms}) > 1:
        raise ValueError("It needs the same seeds in every arm; 'holm' takes what pairs there are.")
    untested = next((one for one in pairs if one.p_value is None and one.difference is None), None)
    seeds = pairs[0].seeds
    if untested is not None or len(seeds) < LEAST_PAIRS:
        # One arm without numbers leaves no error for any of them.
        told = untested or pairs[0]
        return [replace(each, reason=each.reason or told.reason) for each in map(_bare, pairs)]
    table = np.array([[arm[seed] for arm in arms] for seed in seeds])
    rest = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
    scale = float(np.abs(table).max())
    if are_equal(np.append(rest, 0.0), scale):
        reason = "All differences are equal: they do not tell their spread."
        return [replace(_bare(each), reason=reason) for each in pairs]
    n, k = table.shape
    free = (n - 1) * (k - 1)
    error = float(np.sqrt(2 * (rest**2).sum() / free / n))
    if against_one:
        critical = against_one_critical(k - 1, free)
        chance = partial(greatest_against_one, count=k - 1, free=free)
    else:
        critical = all_pairs_critical(k, free)
        chance = partial(greatest_of_all_pairs, arms=k, free=free)
    means = np.array([cast(float, one.difference) for one in pairs])
    p_adjusted = chance(means / error)
    made = []
    for one, mean, p in zip(pairs, means.tolist(), p_adjusted.tolist(), strict=True):
        half = critical * error
        row = replace(one, low=mean - half, high=mean + half, p_adjusted=p)
        if margin is not None:
            inside = (margin - abs(mean)) / error
            row = replace(
                row,
                p_equivalent=t_tail(inside, free),
                p_equivalent_adjusted=float(chance([max(inside, 0.0)])[0]),
            )
        made.append(_decided(row, len(pairs)))
    return made


def _bare(one: ArmDifference) -> ArmDifference:
    """Without what only a test has."""
    return ArmDifference(one.a, one.b, one.seeds, one.difference, reason=one.reason)


def _decided(one: ArmDifference, count: int) -> ArmDifference:
    assert one.difference is not None
    assert one.p_adjusted is not None
    rate = 1 - LEVEL
    if one.p_equivalent_adjusted is not None and one.p_equivalent_adjusted <= rate:
        return replace(one, decision="equivalent")
    if one.p_adjusted <= rate:
        return replace(one, decision="higher" if one.difference > 0 else "lower")
    reason = "The interval reaches across 0."
    if one.p_value is not None and one.p_value <= rate:
        reason = (
            f"p is {one.p_value:.3g}, and {one.p_adjusted:.3g} once corrected for the {count} "
            "comparisons that are decided together."
        )
    return replace(one, reason=reason)
