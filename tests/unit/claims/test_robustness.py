"""Experiments find the choice under which they were run, and claims their column."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reglab.core.claims import REGISTRY, Outcome, decide
from reglab.core.claims.robustness import Experiment, by_choice, table
from reglab.core.presets import PRESETS, build
from reglab.core.presets.choices import CHOICES, choice_of, is_printed
from tests.harness.fuzz import inputs, tell

CASES = [(choice, preset) for choice in CHOICES for preset in choice.changes]
ARTICLE = [name for name, preset in PRESETS.items() if preset.article]
ASIDE = {"seeds": [3, 5], "training.epochs": 2, "name": "mine", "dataset.label_noise": 1.0}


@pytest.mark.parametrize(("choice", "preset"), CASES, ids=lambda one: getattr(one, "name", one))
def test_a_choice_is_found_whatever_does_not_tell_it(choice, preset):
    for aside in ({}, ASIDE):
        spec = build(preset, {**choice.changes[preset], **aside})
        assert choice_of(preset, spec) is choice
        assert not is_printed(preset, spec)


def test_a_preset_is_printed_and_any_other_change_is_neither():
    for name in ARTICLE:
        assert is_printed(name, build(name, ASIDE))
        assert choice_of(name, build(name)) is None
        other = build(name, {"optimizer.schedule.lr": 0.0123})
        assert choice_of(name, other) is None
        assert not is_printed(name, other)


def test_a_stand_in_dataset_keeps_its_choice():
    spec = build("augmentation", {"dataset.name": "mnist5k", "dataset.centred": True})
    assert choice_of("augmentation", spec).name == "centred-inputs"


def experiments(cases, printed):
    made = [Experiment(name, name, build(name)) for name in printed]
    return made + [
        Experiment(f"{preset} {choice.name}", preset, build(preset, dict(choice.changes[preset])))
        for choice, preset in cases
    ]


@given(
    cases=st.lists(st.sampled_from(CASES), unique=True, max_size=8),
    printed=st.lists(st.sampled_from(ARTICLE), unique=True),
    shuffle=st.randoms(use_true_random=False),
)
@inputs(40)
def test_a_page_has_each_preset_once_whatever_the_order(cases, printed, shuffle):
    given_in = experiments(cases, printed)
    shuffle.shuffle(given_in)
    preset_of = {one.id: one.preset for one in given_in}
    pages = by_choice(given_in)
    assert set(pages.pop("printed")) == set(printed)
    compared = {choice.name for choice, preset in cases if preset in printed}
    assert set(pages) == compared
    for name, page in pages.items():
        presets = [preset_of[each] for each in page]
        assert len(set(presets)) == len(presets)
        (choice,) = [each for each in CHOICES if each.name == name]
        for each in page:
            changed = preset_of[each] in choice.changes
            assert each.endswith(f" {name}") == changed
        own = {preset for each, preset in cases if each is choice} & set(printed)
        assert own == {preset_of[each] for each in page} & set(choice.changes)
    tell("choices", len(pages))


def test_the_table_has_the_claims_that_a_choice_bears_on():
    values = {"l2-test-accuracy": 0.02, "augmentation-test-accuracy": 0.01}

    def decided(ids):
        less = any("noise" in each for each in ids)
        found = []
        for claim in REGISTRY.values():
            value = values.get(claim.id)
            if value is None:
                found.append(Outcome(claim, reason="no runs"))
                continue
            # p is 0.04 for both under the choice: enough for one claim alone, not for two.
            scale = 0.01 if claim.id.startswith("l2") and not less else value
            by_seed = dict(enumerate(value + scale * np.array([-1, 1, -1, 1, 0, 0])))
            p_value = claim.region.p_value(list(by_seed.values()))
            found.append(Outcome(claim, value, by_seed=by_seed, p_value=p_value))
        return decide(found)

    less = [(choice, "l2") for choice in CHOICES if choice.name == "moons-less-noise"]
    found = table(experiments(less, ["l2", "augmentation"]), decided)
    assert [choice.name for choice in found.choices] == ["printed", "moons-less-noise"]
    assert found.claims == ["l2-test-accuracy"]
    verdicts = {choice: one.verdict for (_, choice), one in found.outcomes.items()}
    assert verdicts == {"printed": "supported", "moons-less-noise": "undecided"}
    assert not found.is_robust("l2-test-accuracy")
    own = found.outcomes["l2-test-accuracy", "moons-less-noise"]
    assert own.p_value < 0.05 < own.p_adjusted, "corrected as on the printed page"


def test_nothing_is_decided_where_no_choice_was_run():
    asked = []
    found = table(experiments([], ["l2", "augmentation"]), asked.append)
    assert not asked
    assert ([each.name for each in found.choices], list(found.claims)) == (["printed"], [])


def test_a_claim_that_is_not_measured_under_a_choice_is_not_robust():
    images = [choice for choice in CHOICES if "augmentation" in choice.changes][:2]

    def decided(ids):
        measured = not any(images[1].name in each for each in ids)
        values = {"augmentation-test-accuracy"} if measured else set()
        return [
            Outcome(claim, 0.1 if claim.id in values else None, verdict="undecided")
            for claim in REGISTRY.values()
        ]

    made = experiments([(one, "augmentation") for one in images], ["augmentation"])
    found = table(made, decided)
    assert [one.name for one in found.choices] == ["printed", *(one.name for one in images)]
    assert not found.is_robust("augmentation-test-accuracy")
    assert table(made[:2], decided).is_robust("augmentation-test-accuracy")


def test_other_shares_of_shuffled_labels_are_neither_printed_nor_controls():
    spec = build("l2", {"dataset.label_noise": 0.3})
    assert not is_printed("l2", spec)
