"""Many arms: one error rate, intervals that hold together, and no order that matters."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reglab.core.statistics import compare_arms, compare_pairs

SETS = 300
ARMS = 4
# Noise of each arm beside that which all arms of a seed share.
EQUAL, UNEQUAL = (1.0, 1.0, 1.0, 1.0), (0.3, 1.0, 1.0, 3.0)
# The last two take one error of all arms.
DESIGNS = [
    ("holm", 0, EQUAL),
    ("holm", 0, UNEQUAL),
    ("holm", None, EQUAL),
    ("holm", None, UNEQUAL),
    ("dunnett", 0, EQUAL),
    ("tukey", None, EQUAL),
]


def arms_of(values):
    return [dict(enumerate(column)) for column in values.T.tolist()]


@pytest.mark.parametrize("seeds", [3, 8])
@pytest.mark.parametrize(("adjust", "baseline", "spread"), DESIGNS)
def test_intervals_hold_together_and_equal_arms_are_rarely_told_apart(
    adjust, baseline, spread, seeds
):
    """Arms without a difference: any decision is false, any interval without 0 a miss."""
    rng = np.random.default_rng(seeds)
    wrong = missed = 0
    for _ in range(SETS):
        noise = rng.normal(size=(seeds, ARMS)) * spread
        found = compare_arms(arms_of(2 * rng.normal(size=(seeds, 1)) + noise), baseline, adjust)
        wrong += any(one.decision != "undecided" for one in found)
        missed += any(not one.low <= 0 <= one.high for one in found)
    error = 3 * math.sqrt(0.05 * 0.95 / SETS)
    assert wrong / SETS <= 0.05 + error
    assert 0.94 - error <= 1 - missed / SETS <= 0.97 + error


def test_equivalence_is_rarely_claimed_of_arms_on_the_margin():
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(SETS):
        values = rng.normal(size=(8, 1)) + 0.3 * rng.normal(size=(8, ARMS)) + [0, 1, -1, 0]
        found = compare_arms(arms_of(values), 0, margin=1.0)
        # The first two lie on the margin and do differ; the last is equal.
        wrong += any(one.decision == "equivalent" for one in found[:2])
        wrong += found[2].decision in ("higher", "lower")
    assert wrong / SETS <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / SETS)


VALUES = st.lists(
    st.lists(st.integers(-50, 50).map(lambda k: k / 8), min_size=5, max_size=5),
    min_size=2,
    max_size=4,
)


@settings(max_examples=40)
@given(VALUES, st.randoms(), st.sampled_from(["holm", "bh", "tukey"]))
def test_the_order_of_arms_and_of_seeds_does_not_matter(values, random, adjust):
    arms = [dict(enumerate(one)) for one in values]
    order = random.sample(range(len(arms)), len(arms))
    seeds = random.sample(range(5), 5)
    turned = [{seed: arms[at][seed] for seed in seeds} for at in order]
    first = {(one.a, one.b): one for one in compare_arms(arms, adjust=adjust)}
    for one in compare_arms(turned, adjust=adjust):
        a, b = order[one.a], order[one.b]
        other = first[min(a, b), max(a, b)]
        sign = 1 if a < b else -1
        assert one.seeds == other.seeds
        assert one.difference == pytest.approx(sign * other.difference, abs=1e-12)
        ends = (one.low, one.high) if sign > 0 else (one.high, one.low)
        for found, expected in zip(ends, (other.low, other.high), strict=True):
            assert (found is None) == (expected is None)
            assert found is None or found == pytest.approx(sign * expected, abs=1e-9)
        assert one.p_adjusted == pytest.approx(other.p_adjusted, abs=1e-9)
        decision = {"higher": "lower", "lower": "higher"}.get(other.decision, other.decision)
        assert one.decision == (other.decision if sign > 0 else decision)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=3, max_size=9),
    st.sampled_from([("holm", 0), ("bh", 0), ("dunnett", 0), ("tukey", None)]),
)
def test_two_arms_are_compared_as_a_pair(pairs, design):
    a, b = (list(side) for side in zip(*pairs, strict=True))
    adjust, baseline = design
    (found,) = compare_arms([dict(enumerate(a)), dict(enumerate(b))], baseline, adjust)
    expected = compare_pairs(a, b)
    assert found.difference == expected.difference
    for name in ("low", "high", "effect_size", "p_value"):
        ours, theirs = getattr(found, name), getattr(expected, name)
        assert (ours is None) == (theirs is None)
        assert ours is None or ours == pytest.approx(theirs, rel=1e-6, abs=1e-12)
    assert expected.p_value is None or found.p_adjusted == pytest.approx(
        expected.p_value, rel=1e-6, abs=1e-9
    )
