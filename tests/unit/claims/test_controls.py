"""Controls, sanity checks, and verdicts that hang on a threshold."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from reglab.core import claims
from reglab.core.claims.base import Control
from reglab.core.claims.controls import LEAST, method_off, other_arm
from reglab.core.claims.regions import above, below, within
from tests.harness.synthetic import curves, experiment
from tests.unit.claims.cases import CASES, spectrum, turns

SANITY = {
    "l2-confidence-falls",
    "l1-confidence-falls",
    "smoothing-confidence-falls",
    "calibration-fits-all",
    "linear-closed-form",
    "relu-outputs-stay",
}
ZERO = above(0.0)
L2 = "regularization.l2"
STEADY = np.linspace(0.9, 1.1, 8)


def claim(values, region=ZERO, control=None, kind="finding", name="c"):
    """A claim whose statistic is the given values on its own runs, and others on its control's."""

    def measure(runs):
        return dict(enumerate(control if runs else values))

    made = None if control is None else Control("all is otherwise", lambda _: [None])
    return claims.Claim(name, "X.", "S", "s", region, (), measure, made, kind)


def decided(*made):
    return claims.decide([one.outcome([]) for one in made])


def test_every_claim_has_a_control_and_identities_are_sanity_checks():
    found = claims.REGISTRY.values()
    assert all(one.control is not None and one.control.text for one in found)
    assert {one.id for one in found if one.kind == "sanity"} == SANITY


def test_every_threshold_that_is_not_zero_has_a_reason():
    for one in claims.REGISTRY.values():
        if any((one.region.low, one.region.high)):
            assert one.region.reason.endswith("."), one.id
        if one.region.most is not None:
            assert abs(one.region.low or one.region.high) < one.region.most


def test_a_claim_that_its_control_supports_does_not_discriminate():
    (found,) = decided(claim(STEADY, control=STEADY + 1))
    assert (found.verdict, found.control.verdict) == ("not_discriminating", "supported")
    assert "all is otherwise" in found.reason
    (other,) = decided(claim(STEADY, control=STEADY - 1))
    assert (other.verdict, other.control.verdict) == ("supported", "undecided")
    (refuted,) = decided(claim(-STEADY, control=STEADY))
    assert (refuted.verdict, refuted.control.verdict) == ("not_supported", "supported")


def test_verdicts_are_the_same_when_they_are_decided_again():
    once = decided(*(claim(STEADY, control=sign * STEADY) for sign in (1, -1)))
    assert claims.decide(once) == once
    assert [one.verdict for one in claims.decide(once, "bh")] == ["not_discriminating", "supported"]


def test_sanity_checks_do_not_weigh_on_findings():
    weak = claim((0.5, 0.8, 1.1, 0.2, 1.3, 0.1), name="weak")
    checks = [claim(STEADY, kind="sanity", name=f"s{at}") for at in range(9)]
    alone, among = decided(weak)[0], decided(weak, *checks)[0]
    assert alone.p_adjusted == among.p_adjusted == alone.p_value


@pytest.mark.parametrize(
    ("region", "moved"),
    [
        (above(0.0), ()),
        (above(0.4), ((0.3, None), (0.5, None))),
        (above(-0.4), ((-0.5, None), (-0.3, None))),
        (above(0.9, most=1.0), ((0.875, None), (0.925, None))),
        (below(-0.9, most=1.0), ((None, -0.925), (None, -0.875))),
        (below(0.5, most=1.0), ((None, 0.375), (None, 0.625))),
        (within(1.0, 3.0), ((0.75, 3.25), (1.25, 2.75))),
    ],
)
def test_how_a_region_moves_by_a_quarter(region, moved):
    found = [(one.low, one.high) for one in region.moved()]
    assert found == [pytest.approx(ends) for ends in moved]


def test_a_verdict_that_turns_is_told():
    values = np.linspace(0.44, 0.46, 8)
    (found,) = decided(claim(values, above(0.4)))
    assert (found.verdict, found.is_threshold_sensitive) == ("supported", True)
    assert found.turns == {"> 0.5": "not_supported"}
    (firm,) = decided(claim(values + 1, above(0.4)))
    assert (firm.turns, firm.is_threshold_sensitive) == ({}, False)
    (zero,) = decided(claim(values, ZERO))
    assert zero.is_threshold_sensitive is None


def arms():
    """Three strengths and six seeds, with a test accuracy that tells position and seed."""

    def parts(at, run):
        return curves(test_accuracy=at + run.seed / 10), {}

    sweep = {L2: [0.0, 0.01, 0.02]}
    return [run for seed in range(6) for run in experiment("l2", seed, parts, sweep=sweep)]


def told(runs):
    return {
        (run.spec.regularization.l2, run.seed): float(run.curves["test_accuracy"][-1])
        for run in runs
    }


@pytest.mark.parametrize("off", [0.0, LEAST])
def test_with_the_method_off_runs_have_the_results_of_other_seeds_without_it(off):
    found = told(method_off(L2, off).runs(arms()))
    for seed in range(6):
        for shift, value in enumerate((0.0, 0.01, 0.02)):
            assert found[value, seed] == pytest.approx((seed + shift) % 6 / 10)


def test_another_arm_is_that_of_the_same_seed():
    found = told(other_arm(L2).runs(arms()))
    for seed in range(6):
        assert found[0.0, seed] == found[0.02, seed] == pytest.approx(2 + seed / 10)
        assert found[0.01, seed] == pytest.approx(1 + seed / 10)


def of_spectrum(first, last, noise):
    made = []
    for seed in range(6):
        (run,) = spectrum(first + seed / 1000, last, 100, seed)
        dataset = run.spec.dataset.model_copy(update={"label_noise": noise})
        spec = run.spec.model_copy(update={"dataset": dataset})
        made.append(dataclasses.replace(run, spec=spec))
    return made


def test_runs_with_shuffled_labels_are_a_control_and_no_evidence():
    own = of_spectrum(0.95, 0.3, 0.0)
    alone = {one.claim.id: one for one in claims.evaluate(own)}
    control = alone["spectrum-moves-down"].control
    assert control.value is None
    assert "dataset.label_noise = 1" in control.reason
    both = own + of_spectrum(0.8, 0.1, 1.0)
    for runs in (both, both[::-1]):
        found = {one.claim.id: one for one in claims.evaluate(runs)}
        moves, early = found["spectrum-moves-down"], found["spectrum-early-on-top"]
        assert moves.value == alone["spectrum-moves-down"].value
        assert moves.control.value == pytest.approx(0.7025)
        assert moves.verdict == "not_discriminating"
        assert (early.verdict, early.control.verdict) == ("supported", "not_supported")
        assert found["early-stopping-minimum"].seeds == 6


def test_a_control_is_measured_for_undecided_claims_too():
    case = CASES["l2-test-accuracy"]
    runs = [run for seed, t in enumerate(turns(0.1, -0.1)) for run in case.build(t, seed)]
    found = claims.REGISTRY["l2-test-accuracy"].evaluate(runs)
    assert found.verdict == "undecided"
    assert found.control.value == pytest.approx(0, abs=1e-12)
