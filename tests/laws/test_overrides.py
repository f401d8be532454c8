"""Overrides mean the same in any order, say one thing once, and are bounded."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reglab.core.errors import SpecError
from reglab.core.exchange.json_text import RepeatedKeyError, parse
from reglab.core.presets import PRESETS, build, changed
from reglab.core.spec import DATASETS, expand, lay, merge, parse_spec
from tests.harness.fuzz import inputs, tell

VALUES = {
    "optimizer.name": st.sampled_from(["sgd", "adam"]),
    "optimizer.schedule.lr": st.floats(0.001, 1),
    "optimizer.schedule": st.just({"lr": 0.2}),
    "optimizer": st.just({"name": "adam", "schedule": {"tau": 5.0}}),
    "optimizer.beta1": st.just(0.5),
    "dataset.name": st.sampled_from(list(DATASETS)),
    "dataset": st.fixed_dictionaries({"name": st.sampled_from(list(DATASETS))}),
    "dataset.train_size": st.integers(10, 500),
    "dataset.noise": st.just(0.3),
    "dataset.centred": st.booleans(),
    "regularization.l2": st.just(0.05),
    "regularization.augmentation": st.sampled_from([None, "shift", {"name": "cutout"}]),
    "regularization.augmentation.name": st.sampled_from(["rotation", "mixup", "elastic"]),
    "regularization.augmentation.probability": st.just(0.25),
    "regularization.early_stopping": st.sampled_from([None, {}, {"patience": 3}]),
    "probes.boundary": st.none(),
    "probes": st.just({"boundary": None}),
    "training.epochs": st.integers(-1, 5),
    "sweep": st.sampled_from([{}, {"training.epochs": [2, 3]}]),
    "sweep.regularization.l2": st.sampled_from([None, [0, 0.5]]),
    "sweep.training.epochs": st.just([1, 2]),
    "seeds": st.just([3, 4]),
    "colour": st.just(1),
}
SETS = st.lists(st.sampled_from(list(VALUES)), unique=True, max_size=6).flatmap(
    lambda names: st.fixed_dictionaries({name: VALUES[name] for name in names})
)


def outcome(preset, overrides):
    try:
        laid = changed(preset, overrides)
        spec = parse_spec(laid.document)
        expand(spec)
    except SpecError as error:
        return sorted(map(str, error.problems))
    return spec, laid.dropped


@given(preset=st.sampled_from(sorted(PRESETS)), overrides=SETS, data=st.data())
@inputs(300)
def test_the_order_of_overrides_does_not_matter(preset, overrides, data):
    shuffled = dict(data.draw(st.permutations(list(overrides.items()))))
    first = outcome(preset, overrides)
    assert outcome(preset, shuffled) == first
    tell("orders of overrides", "refused" if isinstance(first, list) else "taken")


@given(preset=st.sampled_from(sorted(PRESETS)), overrides=SETS)
@inputs(200)
def test_what_is_set_is_in_the_spec_or_refused(preset, overrides):
    try:
        document = changed(preset, overrides).document
        spec = parse_spec(document).model_dump(mode="json")
        expand(parse_spec(document))
    except SpecError:
        return
    for path, value in overrides.items():
        if not path.startswith("sweep") and not isinstance(value, dict | str):
            node = spec
            for part in path.split("."):
                node = node[part]
            assert node == value, path
            # Beside a sweep that is given with it, a required field may have any value.
            own = {f"sweep.{path}"} & set(overrides) or path in overrides.get("sweep", {})
            assert own or path not in document.get("sweep", {})
    tell("overrides that are in the spec", "taken")


@pytest.mark.parametrize("order", [1, -1])
def test_another_optimizer_keeps_the_schedule(order):
    items = [("optimizer.name", "adam"), ("optimizer.schedule.lr", 0.01)][::order]
    found = build("l2", dict(items)).optimizer
    assert found.name == "adam"
    assert found.schedule.model_dump() == {"lr": 0.01, "alpha": 1.0, "tau": 50_000.0}
    assert changed("l2", dict(items)).dropped == []


def test_another_kind_keeps_what_it_has_with_the_same_bounds_and_tells_the_rest():
    base = {"dataset": {"name": "mnist", "train_size": 70, "centred": True}}
    laid = lay(base, {"dataset": {"name": "digits"}})
    assert laid.document == {"dataset": {"name": "digits", "centred": True}}
    assert laid.dropped == ["dataset.train_size"]
    laid = lay(base, {"dataset.name": "fashion_mnist"})
    assert laid.document["dataset"] == base["dataset"] | {"name": "fashion_mnist"}
    # Alpha is a scale in pixels of one, a parameter of a distribution of the other.
    elastic = {"regularization": {"augmentation": {"name": "elastic", "alpha": 30.0}}}
    laid = lay(elastic, {"regularization.augmentation.name": "mixup"})
    assert laid.document == {"regularization": {"augmentation": {"name": "mixup"}}}
    assert laid.dropped == ["regularization.augmentation.alpha"]


@pytest.mark.parametrize(
    ("overrides", "field", "says"),
    [
        ({"regularization.l2": 0.05}, "regularization.l2", '"sweep.regularization.l2": null'),
        ({"regularization": {"l2": 0.0}}, "regularization.l2", "swept by"),
        ({"optimizer": {"name": "adam"}, "optimizer.beta1": 0.1}, "optimizer.beta1", "twice"),
        ({"sweep": {}, "sweep.training.epochs": [1]}, "sweep.training.epochs", "twice"),
        ({"sweep": {"optimizer.schedule": [{"lr": 1.0}], "optimizer.schedule.lr": [1]}},
         "sweep.optimizer.schedule.lr", "twice"),
        ({"a." * 1000: 1}, "a." * 50 + "...", "32"),
        ({"sweep": {"a." * 1000: [1]}}, f"sweep.{'a.' * 47}...", "32"),
        ({"a": {"b." * 500: 1}}, "a." + "b." * 49 + "...", "32"),
        ({f"training.e{at}": 1 for at in range(8000)}, "overrides", "at most 200"),
        ({"training": {f"e{at}": 1 for at in range(8000)}}, "overrides", "at most 200"),
        ({"sweep": {f"training.e{at}": [1] for at in range(8000)}}, "sweep", "at most 200"),
        ({"regularization.dropout": [0, 0.5]}, "regularization.dropout", "sweep.regularization"),
    ],
)  # fmt: skip
def test_refusals_come_at_once_and_say_the_way(overrides, field, says):
    began = time.process_time()
    with pytest.raises(SpecError) as caught:
        expand(build("l2", overrides))
    # What grows with the square of the keys takes half a minute.
    assert time.process_time() - began < 2
    found = {problem.path: str(problem) for problem in caught.value.problems}
    assert says in found[field]


def test_a_sweep_of_a_preset_can_be_ended_or_changed():
    for end in ({"sweep": {}}, {"sweep.regularization.l2": None}):
        (run,) = expand(build("l2", {"regularization.l2": 0.05, **end}))
        assert (run.spec.regularization.l2, run.params) == (0.05, {})
    runs = expand(build("adamw", {"sweep.optimizer.decoupled": None}))
    assert {tuple(run.params) for run in runs} == {("regularization.l2",)}


def test_nothing_is_changed_in_place():
    base = {"training": {"epochs": 1}, "sweep": {"a.b": [1]}}
    before = json.dumps(base)
    merge(base, {"training.epochs": 2, "sweep.c.d": [1], "x": {"y": 1}})
    assert json.dumps(base) == before


@given(st.dictionaries(st.text(max_size=5), st.integers(), max_size=5), st.data())
@inputs(100)
def test_a_key_given_twice_is_refused_at_any_depth(members, data):
    texts = [f"{json.dumps(key)}: {value}" for key, value in members.items()]
    assert parse(b"[{%s}]" % ", ".join(texts).encode()) == [members]
    if members:
        again = data.draw(st.sampled_from(sorted(members)))
        texts.insert(data.draw(st.integers(0, len(texts))), f"{json.dumps(again)}: 0")
        with pytest.raises(RepeatedKeyError) as caught:
            parse(b'{"a": [{%s}]}' % ", ".join(texts).encode())
        assert caught.value.key == again
    tell("objects with a key twice", bool(members))
