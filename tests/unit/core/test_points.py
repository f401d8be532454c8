"""What makes two sweep points one, and how they are told apart in words."""

from __future__ import annotations

import pytest

from reglab.core.errors import SpecError
from reglab.core.spec import expand, labels, parse_spec, point_key
from tests.harness.inline import SMALL

DIGITS = {
    "dataset": {"name": "digits"},
    "optimizer": {"schedule": {"lr": 0.1}},
    "training": {"epochs": 1, "batch_size": 100},
}


def points(base, **sweep):
    sweep = {path.replace("__", "."): values for path, values in sweep.items()}
    return [run.params for run in expand(parse_spec(base | {"sweep": sweep}))]


def test_points_hold_resolved_values():
    (whole,) = points(DIGITS, regularization__augmentation=["shift"])
    (short,) = points(DIGITS, regularization__augmentation=[{"name": "shift"}])
    (long,) = points(DIGITS, regularization__augmentation=[{"probability": 0.5, "name": "shift"}])
    assert whole == short == long
    assert whole["regularization.augmentation"]["pixels"] == [-2, -1, 1, 2]
    zeros = [points(SMALL, regularization__l2=[zero])[0] for zero in (0, 0.0, -0.0)]
    assert len({point_key(point) for point in zeros}) == 1
    assert {str(point["regularization.l2"]) for point in zeros} == {"0.0"}


@pytest.mark.parametrize(
    ("path", "values", "at", "first"),
    [
        ("regularization.l2", [0.01, 0.01], 1, 0),
        ("regularization.l2", [0, 0.01, 0.0], 2, 0),
        ("regularization.l2", [-0.0, 0], 1, 0),
        ("model.hidden", [[8], [4], [8]], 2, 0),
        ("regularization.early_stopping", [None, {}, {"patience": 10}], 2, 1),
        ("regularization.augmentation", ["mixup", {"name": "mixup", "alpha": 0.2}], 1, 0),
    ],
)
def test_values_that_resolve_alike_are_refused(path, values, at, first):
    spec = parse_spec(SMALL | {"sweep": {"training.batch_size": [8, 16], path: values}})
    with pytest.raises(SpecError) as caught:
        expand(spec)
    (problem,) = caught.value.problems
    assert problem.path == f"sweep.{path}[{at}]"
    assert f"sweep.{path}[{first}]" in problem.detail


def test_labels_are_as_long_as_needed():
    l2 = "regularization.l2"
    assert labels([{l2: 0.0}, {l2: 0.01}]) == ["λ₂ = 0", "λ₂ = 0.01"]
    assert labels([{l2: 0.1}, {l2: 0.10000001}]) == ["λ₂ = 0.1", "λ₂ = 0.10000001"]
    assert labels([{l2: 0.01}], plain=True) == ["l2=0.01"]
    assert labels([{}]) == ["run"]
    shifts = points(
        DIGITS,
        regularization__augmentation=[
            None,
            "shift",
            {"name": "shift", "pixels": [1]},
            {"name": "cutout"},
        ],
    )
    assert labels(shifts) == [
        "augmentation = none",
        "augmentation = shift (pixels = [-2, -1, 1, 2])",
        "augmentation = shift (pixels = [1])",
        "augmentation = cutout",
    ]
    sizes = [
        {
            "regularization.early_stopping.validation_size": a,
            "probes.temperature.validation_size": a,
        }
        for a in (0.1, 0.2)
    ]
    assert labels(sizes)[0] == (
        "early stopping.validation size = 0.1, temperature.validation size = 0.1"
    )


def test_a_swept_kind_takes_defaults_of_its_own():
    base = SMALL | {"dataset": {"name": "two_moons"}, "probes": {}}
    runs = expand(parse_spec(base | {"sweep": {"dataset.name": ["two_moons", "digits"]}}))
    assert [run.spec for run in runs] == [
        expand(parse_spec(base | {"dataset": {"name": name}}))[0].spec
        for name in ("two_moons", "digits")
    ]


@pytest.mark.parametrize(
    ("changes", "sweep", "place", "told"),
    [
        (
            {"dataset": {"name": "two_moons", "noise": 0.2}},
            {"dataset.name": ["two_moons", "digits"]},
            "sweep.dataset.name[1]",
            "dataset.noise is wrong: Unknown field of digits",
        ),
        (
            {"probes": {"calibration": {}}},
            {"model.loss": ["cross_entropy", "squared"]},
            "sweep.model.loss[1]",
            "probes.calibration is wrong",
        ),
        (
            {"regularization": {"dropout": 0.5}},
            {"model.hidden": [[4], []]},
            "sweep.model.hidden[1]",
            "regularization.dropout is wrong",
        ),
    ],
)
def test_a_swept_value_that_does_not_go_with_a_field_names_both(changes, sweep, place, told):
    with pytest.raises(SpecError) as caught:
        expand(parse_spec(SMALL | changes | {"sweep": sweep}))
    (problem,) = caught.value.problems
    assert problem.path == place
    assert told in problem.detail
    assert problem.remedy
