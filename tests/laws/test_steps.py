"""What an estimate tells of a run is what its training does: one function for each number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reglab.core import datasets
from reglab.core.engine import Trainer
from reglab.core.engine.random_streams import stream
from reglab.core.spec import RunSpec, expand, parse_spec
from reglab.core.storage.counters import steps_per_epoch
from reglab.core.submission.estimate import estimate, model_seconds
from tests.harness.fuzz import inputs, tell

SIZES = st.floats(0.01, 0.9) | st.integers(1, 17).map(float)


@st.composite
def trainings(draw):
    """Small specs with and without a validation split, of any batch size and interval."""
    size = draw(st.none() | SIZES)
    held = {"validation_size": size, "patience": 1000}
    return {
        "dataset": {"name": "two_moons", "train_size": draw(st.integers(20, 60)), "test_size": 10},
        "model": {"hidden": draw(st.lists(st.integers(1, 5), max_size=2))},
        "optimizer": {"schedule": {"lr": 0.01}},
        "training": {
            "epochs": draw(st.integers(1, 9)),
            "batch_size": draw(st.integers(1, 70)),
            "eval_every": draw(st.integers(1, 11)),
        },
        "regularization": {"early_stopping": held if size is not None else None},
        "probes": {"calibration": None},
    }


@given(document=trainings())
@inputs(150)
def test_a_training_takes_the_steps_that_were_estimated(document):
    (run,) = expand(parse_spec(document))
    spec = run.spec
    data = datasets.load(spec.dataset, stream(0, "data"))
    trainer = Trainer(spec, data, 0)
    evaluations = list(trainer)
    assert trainer.step == estimate([run], [], 1).steps == spec.steps()
    assert trainer.step == spec.training.epochs * steps_per_epoch(spec.model_dump(mode="json"))
    assert len(evaluations) == spec.training.evaluations()
    assert len(trainer.data.y_train) == spec.train_count()
    assert len(trainer.network().theta) == spec.parameter_count()
    tell("trainings of estimated steps", "held out" if spec.validation_count() else "all trained")


def test_a_validation_split_is_not_trained_on():
    document = {
        "dataset": {"name": "two_moons", "train_size": 250},
        "optimizer": {"schedule": {"lr": 0.1}},
        "training": {"epochs": 1250, "batch_size": 32},
        "regularization": {"early_stopping": {"validation_size": 0.4}},
    }
    spec = RunSpec.model_validate(document)
    assert (spec.train_count(), spec.steps_per_epoch(), spec.steps()) == (150, 5, 6250)


@pytest.mark.parametrize("every", [1, 10])
def test_the_model_counts_what_an_evaluation_costs(every):
    """A million evaluations take over 80 s, whatever they measure."""
    document = {
        "dataset": {"name": "two_moons", "train_size": 4, "test_size": 4},
        "model": {"hidden": [8]},
        "optimizer": {"schedule": {"lr": 0.1}},
        "training": {"epochs": 1_000_000, "batch_size": 32, "eval_every": every},
    }
    seconds = model_seconds(RunSpec.model_validate(document))
    assert 80 / every < seconds < 20 + 120 / every
