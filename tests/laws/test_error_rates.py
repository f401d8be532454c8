"""Verdicts of many claims: the chance of any false one, by simulation of whole pages."""

from __future__ import annotations

import numpy as np
import pytest

from reglab.core.claims.base import Claim, Outcome, decide
from reglab.core.claims.regions import above, below, within

CLAIMS = 30
PAGES = 300


def claim(at, region):
    return Claim(f"c{at}", "X.", "S", "s", region, (), lambda runs: runs)


@pytest.mark.parametrize("shared", [0.0, 0.8])
@pytest.mark.parametrize("draw", ["normal", "discrete"])
@pytest.mark.parametrize("seeds", [6, 10])
def test_a_page_of_null_claims_rarely_has_a_verdict(shared, draw, seeds):
    """Each mean lies exactly on its threshold; claims share the noise of their seeds, or do not."""
    rng = np.random.default_rng(seeds)
    claims = [claim(at, above(0) if at % 2 else below(0)) for at in range(CLAIMS)]
    wrong = 0
    for _ in range(PAGES):
        noise = shared * rng.normal(size=(seeds, 1)) + rng.normal(size=(seeds, CLAIMS))
        values = np.round(3 * noise) / 3 if draw == "discrete" else noise
        found = decide([outcome(one, values[:, at]) for at, one in enumerate(claims)])
        wrong += any(one.verdict != "undecided" for one in found)
    assert wrong / PAGES <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / PAGES)


def outcome(one, values):
    """What ``Claim.outcome`` makes of a statistic by seed."""
    p = one.region.p_value(values)
    by_seed = dict(enumerate(values.tolist()))
    return Outcome(one, float(values.mean()), None, None, by_seed, p)


def test_equal_seeds_decide_no_more_than_their_number_lets_them():
    (alone,) = decide([outcome(claim(0, above(0)), np.ones(6))])
    assert (alone.verdict, alone.p_value) == ("supported", 2**-5)
    page = decide([outcome(claim(at, above(0)), np.ones(6)) for at in range(2)])
    assert {one.verdict for one in page} == {"undecided"}


@pytest.mark.parametrize("truth", [1.0, -1.0])
def test_equality_is_rarely_claimed_of_what_lies_on_an_end(truth):
    rng = np.random.default_rng(0)
    values = truth + 0.3 * rng.normal(size=(2000, 8))
    found = [decide([outcome(claim(0, within(-1, 1)), one)])[0].verdict for one in values]
    assert found.count("supported") / 2000 <= 0.05
