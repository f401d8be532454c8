"""Every claim: runs where it holds, where it fails, and where it stays undecided."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from reglab.core import claims
from reglab.core.claims.base import MINIMUM_SEEDS
from reglab.core.claims.regions import above, below, within
from tests.unit.claims import cases
from tests.unit.claims.method_cases import METHOD_CASES

CASES = cases.CASES | METHOD_CASES
EVERY = sorted(claims.REGISTRY)
# Experiments that hold another's whole sweep, so that its claims speak of them too.
INCLUDE = {"augmentations": "augmentation", "temperature-scaling": "label-smoothing"}


def outcome(name, targets):
    case = CASES[name]
    runs = [run for seed, target in enumerate(targets) for run in case.build(target, seed)]
    return claims.REGISTRY[name].evaluate(runs)


def test_every_claim_has_a_case_and_there_are_at_least_fifteen():
    assert len(EVERY) >= 15
    assert set(EVERY) <= set(CASES)


@pytest.mark.parametrize("name", EVERY)
def test_it_measures_what_was_put_in_and_holds(name):
    target = CASES[name].holds
    found = outcome(name, [target] * MINIMUM_SEEDS)
    assert found.by_seed, f"It is not measurable on its case: {found.reason}"
    assert list(found.by_seed.values()) == pytest.approx([target] * MINIMUM_SEEDS, abs=2e-3)
    assert (found.verdict, found.reason) == ("supported", None)
    assert found.p_value <= 2 ** (1 - MINIMUM_SEEDS)


@pytest.mark.parametrize("name", EVERY)
def test_its_control_does_not_support_it(name):
    found = outcome(name, [CASES[name].holds] * MINIMUM_SEEDS)
    claim = claims.REGISTRY[name]
    if claim.control.changes or "dropout in inference" in claim.control.text:
        # These need runs or parameters that the case does not have.
        assert found.control.value is None
        assert found.control.reason
    else:
        assert found.control.value is not None, found.control.reason
        assert found.control.verdict in ("not_supported", "undecided")


@pytest.mark.parametrize("name", EVERY)
def test_it_fails(name):
    target = CASES[name].fails
    found = outcome(name, [target] * MINIMUM_SEEDS)
    assert found.value == pytest.approx(target, abs=2e-3)
    assert found.verdict == "not_supported"


@pytest.mark.parametrize("name", EVERY)
def test_it_stays_undecided_where_seeds_disagree(name):
    found = outcome(name, CASES[name].undecided)
    assert list(found.by_seed.values()) == pytest.approx(CASES[name].undecided, abs=2e-3)
    assert found.verdict == "undecided"
    assert "across" in found.reason


@pytest.mark.parametrize("name", EVERY)
def test_too_few_seeds_never_decide(name):
    for count in (1, MINIMUM_SEEDS - 1):
        found = outcome(name, [CASES[name].holds] * count)
        assert found.verdict in ("undecided", None)
        assert found.reason


@pytest.mark.parametrize("name", EVERY)
def test_other_experiments_get_a_reason_and_no_verdict(name):
    claim = claims.REGISTRY[name]
    others = [
        other
        for other in CASES
        if set(claims.REGISTRY[other].presets).isdisjoint(claim.presets)
        and INCLUDE.get(claims.REGISTRY[other].presets[0]) not in claim.presets
    ]
    for other in {claims.REGISTRY[other].presets: other for other in others}.values():
        found = claim.evaluate(CASES[other].build(CASES[other].holds, 0))
        assert found.verdict is None
        assert found.value is None
        assert "needs" in found.reason
    assert claim.evaluate([]).verdict is None


def test_only_whole_pairs_count_and_unfinished_runs_do_not():
    case = CASES["l2-test-accuracy"]
    runs = [run for seed in range(8) for run in case.build(case.holds, seed)]
    runs = [
        dataclasses.replace(run, state="failed") if (run.seed, run.index) == (3, 1) else run
        for run in runs
        if (run.seed, run.index) != (5, 0)
    ]
    found = claims.REGISTRY["l2-test-accuracy"].evaluate(runs)
    assert sorted(found.by_seed) == [0, 1, 2, 4, 6, 7]
    assert found.verdict == "supported"


def test_mixed_experiments_are_told_apart_and_the_larger_family_is_taken():
    case = CASES["l2-test-accuracy"]
    large = [run for seed in range(6) for run in case.build(0.05, seed)]
    small = [
        dataclasses.replace(run, spec=run.spec.model_copy(update={"training": other}))
        for run in case.build(-0.5, 0)
        for other in [run.spec.training.model_copy(update={"epochs": 7})]
    ]
    noise = CASES["dropout-test-loss"].build(0.3, 0)
    found = claims.REGISTRY["l2-test-accuracy"].evaluate([*small, *noise, *large])
    assert found.value == pytest.approx(0.05)
    assert found.verdict == "supported"


@pytest.mark.parametrize(
    ("region", "values", "verdict"),
    [
        (above(0), (0.1, 0.2), "supported"),
        (above(0), (-0.1, 0.2), "undecided"),
        (above(0), (0.0, 0.0), "not_supported"),
        (above(0), (-0.2, -0.1), "not_supported"),
        (below(1), (0.1, 0.2), "supported"),
        (below(1), (0.9, 1.2), "undecided"),
        (below(1), (1.0, 1.2), "not_supported"),
        (within(-1, 1), (-0.5, 0.5), "supported"),
        (within(-1, 1), (-2.5, 0.6), "undecided"),
        (within(-1, 1), (-2.5, 2.5), "undecided"),
        (within(-1, 1), (1.5, 1.6), "not_supported"),
    ],
)
def test_regions(region, values, verdict):
    claim = dataclasses.replace(
        claims.REGISTRY["l2-test-accuracy"],
        region=region,
        measure=lambda runs: dict(enumerate(np.linspace(*values, 8))),
        control=None,
    )
    assert claim.evaluate([]).verdict == verdict


def p_at(region, values):
    """The values moved together until p is just at the level, on the side where they are."""
    spread = np.asarray(values) - np.mean(values)
    low, high = 1e-6, 1.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if region.p_value(middle + spread) > 0.05 else (low, middle)
    return list(high + spread)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 40.0])
def test_a_verdict_that_turns_with_the_last_bit_is_fragile(scale):
    at_level = p_at(above(0.0), 0.1 * np.array([-1.0, 0.3, 0.2, -0.5, 0.4, 0.6]))

    def found(values):
        by_seed = dict(enumerate(float(value) * scale for value in values))
        claim = claims.Claim("x", "X.", "S", "s", above(0.0), (), lambda _: by_seed)
        return claim.evaluate([])

    assert found(at_level).verdict == "supported"
    assert found(at_level).is_fragile
    assert not found([value + 1e-4 for value in at_level]).is_fragile
    assert not found([value - 1e-4 for value in at_level]).is_fragile
    assert not found([0.25] * 6).is_fragile, "equal replicates are not decided by their spread"


def test_the_least_number_of_seeds_is_that_of_the_sign_test():
    assert 2 ** (1 - MINIMUM_SEEDS) < 0.05 <= 2 ** (2 - MINIMUM_SEEDS)


def test_texts_are_plain_and_unique():
    texts = [claim.text for claim in claims.REGISTRY.values()]
    assert len(set(texts)) == len(texts)
    for claim in claims.REGISTRY.values():
        assert claim.text.endswith(".")
        assert claim.statistic
        assert (claim.region.low, claim.region.high) != (None, None)
