"""Specs: defaults, sweeps, overrides, and errors that name the field and the remedy."""

from __future__ import annotations

import copy
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reglab.core.errors import SpecError
from reglab.core.presets import PRESETS, build
from reglab.core.spec import TwoMoons, count_runs, expand, merge, parse_spec

MINIMAL: dict[str, Any] = {
    "dataset": {"name": "two_moons"},
    "optimizer": {"schedule": {"lr": 0.1}},
    "training": {"epochs": 3, "batch_size": 32},
}


def spec_with(**changes: Any) -> dict[str, Any]:
    return merge(MINIMAL, {path.replace("__", "."): value for path, value in changes.items()})


def refused(document: Any) -> dict[str, str]:
    with pytest.raises(SpecError) as caught:
        expand(parse_spec(document))
    return {problem.path: f"{problem.detail} {problem.remedy}" for problem in caught.value.problems}


def test_minimal_spec_is_one_run_with_seed_zero():
    runs = expand(parse_spec(MINIMAL))
    assert [(run.index, run.params, run.seed) for run in runs] == [(0, {}, 0)]
    assert runs[0].spec.widths() == [2, 64, 64, 2]


@pytest.mark.parametrize(
    ("change", "path", "says"),
    [
        ({"colour": 1}, "colour", "Unknown field"),
        ({"dataset__tran_size": 9}, "dataset.tran_size", "Did you mean 'train_size'"),
        ({"training__epochs": "10"}, "training.epochs", "valid integer"),
        ({"training__epochs": True}, "training.epochs", "valid integer"),
        ({"regularization__l2": -0.1}, "regularization.l2", "greater than or equal to 0"),
        ({"regularization__l1": -1}, "regularization.l1", "greater than or equal to 0"),
        ({"regularization__dropout": 1.0}, "regularization.dropout", "less than 1"),
        ({"regularization__dropout": -0.1}, "regularization.dropout", "greater than or equal"),
        ({"regularization__l2": float("nan")}, "regularization.l2", "finite"),
        ({"dataset__name": "mnist6"}, "dataset.name", "Did you mean 'mnist'"),
        ({"dataset": "digits"}, "dataset", '{"name": "digits"}'),
        ({"optimizer__lr": 0.1}, "optimizer.lr", "Write 'schedule.lr'"),
        ({"seeds": 5}, "seeds", "[5]"),
        ({"sweep": {"dropout": [0]}}, "sweep.dropout", "'regularization.dropout'"),
        ({"sweep": {"regularisation.l2": [0]}}, "sweep.regularisation.l2", "'regularization.l2'"),
        ({"sweep": {"sweep": [{}]}}, "sweep.sweep", "Not a path"),
        ({"model__hidden": [0]}, "model.hidden[0]", "from 1 to 4096"),
        ({"seeds": []}, "seeds", "at least 1"),
        ({"seeds": [1, 1]}, "seeds[1]", "once"),
        ({"sweep": {"regularization.l2": []}}, "sweep.regularization.l2", "Empty sweep"),
        ({"sweep": {"regularization.l2": [0, -1]}}, "sweep.regularization.l2[1]", "equal to 0"),
        ({"sweep": {"regularization.l3": [0]}}, "sweep.regularization.l3[0]", "Unknown field"),
        ({"sweep": {"name": ["a"]}}, "sweep.name", "regularization"),
        ({"sweep": {"training.epochs": list(range(1, 1002))}}, "sweep", "1001 runs"),
        ({"probes__boundary": {}, "dataset": {"name": "digits"}}, "probes.boundary", "plane"),
        ({"regularization__augmentation": "shift"}, "regularization.augmentation", "needs images"),
        ({"regularization__augmentation": "cutout"}, "regularization.augmentation", "needs images"),
        (
            {"regularization__augmentation": "rotate"},
            "regularization.augmentation.name",
            "'rotation'",
        ),
        (
            {"regularization__augmentation": {"name": "mixup", "alfa": 1}},
            "regularization.augmentation.alfa",
            "Did you mean 'alpha'",
        ),
    ],
)
def test_bad_input_names_the_field_and_the_remedy(change, path, says):
    problems = refused(spec_with(**change))
    assert path in problems
    assert says in problems[path]


def test_a_boundary_of_more_than_two_classes_is_refused(monkeypatch):
    document = spec_with(probes__boundary={})
    parse_spec(document)
    monkeypatch.setattr(TwoMoons, "n_classes", 3)
    found = refused(document)["probes.boundary"]
    assert "'two_moons' has 3" in found
    assert "two classes" in found


def test_missing_field_is_named():
    document = copy.deepcopy(MINIMAL)
    del document["optimizer"]["schedule"]["lr"]
    assert "missing" in refused(document)["optimizer.schedule.lr"]


def test_grid_varies_last_path_fastest_and_seeds_within():
    spec = parse_spec(
        spec_with(sweep={"regularization.l2": [0, 1], "training.batch_size": [8, 16]}, seeds=[5, 6])
    )
    runs = expand(spec)
    assert len(runs) == count_runs(spec) == 8
    seen = [(*run.params.values(), run.seed) for run in runs]
    assert seen[:4] == [(0, 8, 5), (0, 8, 6), (0, 16, 5), (0, 16, 6)]
    assert all(run.spec.training.batch_size == run.params["training.batch_size"] for run in runs)


def test_sweep_may_switch_an_augmentation():
    runs = expand(build("augmentation"))
    names = [getattr(run.spec.regularization.augmentation, "name", None) for run in runs]
    assert names == [None, "shift"]


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(1, 3))
def test_count_equals_expansion(sizes, seeds):
    paths = ["regularization.l2", "regularization.l1", "training.epochs", "training.eval_every"]
    sweep = {p: list(range(1, n + 1)) for p, n in zip(paths, sizes, strict=False)}
    spec = parse_spec(spec_with(sweep=sweep, seeds=list(range(seeds))))
    runs = expand(spec)
    assert len(runs) == count_runs(spec)
    assert len({(tuple(run.params.items()), run.seed) for run in runs}) == len(runs)


def test_merge_keeps_neighbours_and_replaces_another_dataset():
    base = {"dataset": {"name": "mnist", "train_size": 7}, "training": {"epochs": 1, "x": 2}}
    merged = merge(base, {"training.epochs": 5, "dataset": {"name": "digits"}})
    assert merged == {"dataset": {"name": "digits"}, "training": {"epochs": 5, "x": 2}}
    assert base["training"]["epochs"] == 1


def test_overrides_may_replace_the_sweep():
    spec = build("l2", {"sweep": {"regularization.l2": [0.5]}, "training": {"epochs": 9}})
    (run,) = expand(spec)
    assert (run.spec.regularization.l2, run.spec.training.epochs) == (0.5, 9)


@pytest.mark.parametrize("key", ["", ".", "training."])
def test_a_path_with_an_empty_part_is_told_as_a_whole(key):
    with pytest.raises(SpecError) as caught:
        build("l2", {key: 1})
    [problem] = caught.value.problems
    assert problem.path == "overrides"
    assert f"The path '{key}' has an empty part." in problem.detail


def test_unknown_preset_suggests_one():
    with pytest.raises(SpecError, match="Did you mean 'dropout'"):
        build("dropuot")


# The article's appendix: net, training size, optimizer, (lr, alpha, tau), epochs, batch, runs.
APPENDIX = {
    "augmentation": ([784, 128, 10], 1000, "adam", (0.01, 0.5, 5e4), 250, 8, 2),
    "l2": ([2, 64, 64, 2], 250, "sgd", (0.15, 1, 5e4), 10_000, 32, 9),
    "l1": ([2, 64, 64, 2], 250, "sgd", (0.15, 1, 5e4), 10_000, 32, 9),
    "dropout": ([2, 96, 96, 2], 300, "adam", (0.05, 0.5, 5e4), 10_000, 32, 2),
    "label-smoothing": ([784, 128, 10], 1000, "sgd", (0.15, 1, 5e3), 250, 32, 9),
    "early-stopping": ([784, 128, 128, 10], 1000, "sgd", (0.05, 1, 5e3), 1000, 500, 1),
}


def test_the_article_has_six_presets():
    assert [name for name, preset in PRESETS.items() if preset.article] == list(APPENDIX)


@pytest.mark.parametrize("name", APPENDIX)
def test_presets_are_those_of_the_appendix(name):
    widths, size, optimizer, schedule, epochs, batch, count = APPENDIX[name]
    runs = expand(build(name))
    spec = runs[0].spec
    assert spec.widths() == widths
    assert spec.dataset.train_size == size
    assert spec.optimizer.name == optimizer
    rate = spec.optimizer.schedule
    assert (rate.lr, rate.alpha, rate.tau) == schedule
    assert (spec.training.epochs, spec.training.batch_size, len(runs)) == (epochs, batch, count)
    assert spec.model.activation == "tanh"


def test_specs_import_without_numerics():
    code = "import sys, reglab.core.spec; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
