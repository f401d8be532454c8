"""What a textbook asks for: engine, NumPy oracle and torch agree on every handle.

Oracle and torch are both in float64, and may differ by 1e-6; the engine is in float32.
"""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from pydantic import ValidationError

from reglab.core.engine import Trainer
from reglab.core.engine.network import initialize
from reglab.core.engine.random_streams import stream
from reglab.core.engine.schedules import Schedule
from reglab.core.presets import PRESETS, build
from reglab.core.spec import Model, RunSpec, expand, parse_spec, resolve_point
from tests.harness.training import moons, run, sparse_digits, spec, through_storage
from tests.unit.engine import oracle
from tests.unit.engine.torch_training import layers_of
from tests.unit.engine.torch_training import train as train_by_torch

SEED = 3
SCHEDULE = {"name": "constant", "lr": 0.05}
SGD = {"name": "sgd", "schedule": SCHEDULE}
MOMENTUM = SGD | {"momentum": 0.9, "decoupled": False}
RMSPROP = {"name": "rmsprop", "schedule": {"lr": 0.005}, "eps": 1e-3, "decoupled": False}
CASES = {
    "momentum": {"optimizer": MOMENTUM},
    "Nesterov": {"optimizer": MOMENTUM | {"nesterov": True}},
    "momentum, coupled L2": {"optimizer": MOMENTUM, "regularization.l2": 0.05},
    "RMSprop": {"optimizer": RMSPROP},
    "RMSprop, momentum, L2": {
        "optimizer": RMSPROP | {"momentum": 0.5, "smoothing": 0.9},
        "regularization.l2": 0.05,
    },
    "AdamW": {
        "optimizer": {"name": "adam", "schedule": {"lr": 0.01}, "eps": 1e-3},
        "regularization.l2": 0.05,
    },
    "clipping": {"optimizer": SGD | {"clip_norm": 0.2}},
    "clipping, momentum": {"optimizer": MOMENTUM | {"clip_norm": 0.2}},
    "SAM": {"optimizer": SGD | {"sam": {"rho": 0.1}}},
    "SAM, momentum": {"optimizer": MOMENTUM | {"sam": {"rho": 0.1}}},
    "power, warm-up": {"optimizer.schedule": {"lr": 0.2, "alpha": 0.5, "tau": 5.0, "warmup": 4}},
    "constant, warm-up": {"optimizer": SGD | {"schedule": SCHEDULE | {"warmup": 5}}},
    "cosine, warm-up": {
        "optimizer": SGD | {"schedule": {"name": "cosine", "lr": 0.1, "end": 0.01, "warmup": 3}}
    },
    "step": {"optimizer": SGD | {"schedule": {"name": "step", "lr": 0.1, "every": 5}}},
    "leaky ReLU": {"optimizer": SGD, "model.activation": "leaky_relu"},
    "sigmoid": {"optimizer": SGD, "model.activation": "sigmoid"},
    "GELU": {"optimizer": SGD, "model.activation": "gelu"},
    "weights decay alone": {
        "optimizer": SGD,
        "regularization": {"l2": 0.1, "decay_biases": False},
        "model.init": "torch",
    },
    "L2 as a penalty": {"optimizer": SGD, "regularization": {"l2": 2, "l2_convention": "penalty"}},
    "max-norm": {"optimizer": SGD, "regularization.max_norm": 0.8},
    "confidence penalty": {"optimizer": SGD, "regularization.confidence_penalty": 0.3},
    "dropout of inputs": {"optimizer": SGD, "regularization.dropout_input": 0.3},
}
# What torch does not have; the oracle has.
MORE = {
    "momentum, decoupled decay": {
        "optimizer": MOMENTUM | {"decoupled": True},
        "regularization": {"l2": 0.05, "l1": 0.01},
    },
    "RMSprop, decoupled decay": {
        "optimizer": RMSPROP | {"decoupled": True},
        "regularization": {"l2": 0.05, "l1": 0.01},
    },
    "GELU, dropout": {
        "optimizer": SGD,
        "model.activation": "gelu",
        "regularization": {"dropout": 0.3, "dropout_mask": "example"},
    },
    "sigmoid, dropout": {
        "optimizer": SGD,
        "model.activation": "sigmoid",
        "regularization.dropout": 0.3,
    },
    "leaky ReLU, dropout": {
        "optimizer": SGD,
        "model.activation": "leaky_relu",
        "regularization.dropout": 0.3,
    },
    "SAM, dropout": {"optimizer": SGD | {"sam": {"rho": 0.1}}, "regularization.dropout": 0.3},
    "proximal L1 of weights": {
        "optimizer": SGD,
        "regularization": {"l1": 0.1, "l1_method": "proximal", "decay_biases": False},
        "model.init": "torch",
    },
}
ALL = CASES | MORE


def changed(case: str, sparse: bool = False) -> RunSpec:
    name = "digits" if sparse else "two_moons"
    return spec(ALL[case] | {"dataset": {"name": name, "train_size": 50, "test_size": 40}})


def farthest(found, expected) -> float:
    return max(
        float(np.abs(a - b).max())
        for one, other in zip(found, expected, strict=True)
        for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("case", CASES)
def test_the_oracle_agrees_with_torch(case):
    wanted, data = changed(case), moons()
    model, _ = train_by_torch(wanted, data, Trainer(wanted, data, SEED).network(), SEED)
    expected = oracle.train(wanted, data, SEED, wanted.training.epochs)
    # torch clips to norm / (norm + 1e-6).
    assert farthest(layers_of(model), expected) < 1e-6


@pytest.mark.parametrize("case", ALL)
@pytest.mark.parametrize("sparse", [False, True])
def test_the_engine_agrees_with_the_oracle(case, sparse):
    wanted, data = changed(case, sparse), sparse_digits() if sparse else moons()
    trainer = Trainer(wanted, data, SEED)
    run(trainer)
    network = trainer.network()
    found = list(zip(network.weights, network.biases, strict=True))
    expected = oracle.train(wanted, data, SEED, wanted.training.epochs)
    assert farthest(found, expected) < 5e-6


@pytest.mark.parametrize(
    "average", [{"name": "ema", "decay": 0.8}, {"name": "swa", "start": 0.4}], ids=["ema", "swa"]
)
def test_averages_agree_with_torch(average):
    wanted, data = spec({"optimizer": SGD | {"average": average}, "training.epochs": 5}), moons()
    trainer = Trainer(wanted, data, SEED)
    model, averaged = train_by_torch(wanted, data, trainer.network(), SEED)
    last = list(trainer)[-1]
    plain = list(Trainer(spec({"optimizer": SGD, "training.epochs": 5}), data, SEED))[-1]
    assert (last.train_loss, last.test_loss) == (plain.train_loss, plain.test_loss)
    for name, expected in (("test_loss", model), ("average_test_loss", averaged)):
        x, y = np.asarray(data.x_test, float), data.y_test
        layers = [[w, b] for w, b in layers_of(expected)]
        loss = oracle.cross_entropy(layers, x, np.eye(2)[y], "tanh")
        assert getattr(last, name) == pytest.approx(loss, abs=1e-6), name


@pytest.mark.parametrize("case", ["momentum", "RMSprop, momentum, L2", "SAM"])
@pytest.mark.parametrize("average", ["ema", "swa"])
def test_a_resumed_training_has_the_same_bits(case, average):
    changes = ALL[case] | {"training.epochs": 4}
    changes["optimizer"] = changes["optimizer"] | {"average": {"name": average}}
    if average == "swa":
        changes["optimizer"]["average"]["start"] = 0.3
    wanted, data = spec(changes), moons()
    whole = run(Trainer(wanted, data, SEED))
    first = Trainer(wanted, data, SEED)
    begun = []
    for evaluation in first:
        begun.append(evaluation)
        if evaluation.epoch == 2:
            break
    rest = run(Trainer(wanted, data, SEED, through_storage(first.checkpoint())))
    assert [*begun, *rest[0]] == whole[0]
    assert rest[1].tobytes() == whole[1].tobytes()


@pytest.mark.parametrize(
    "schedule",
    [
        {"lr": 0.2, "alpha": 0.5, "tau": 30.0, "warmup": 7},
        {"name": "constant", "lr": 0.2},
        {"name": "cosine", "lr": 0.2, "end": 0.05, "warmup": 3},
        {"name": "step", "lr": 0.2, "every": 4, "factor": 0.5, "warmup": 2},
    ],
)
def test_rates_are_those_of_the_formulas(schedule):
    wanted = spec({"optimizer": {"name": "sgd", "schedule": schedule}, "training.epochs": 10})
    made = Schedule.of(wanted)
    for t in range(1, wanted.steps() + 1):
        expected = oracle.learning_rate(wanted.optimizer.schedule, t, wanted.steps())
        assert Schedule.rate(made, t) == pytest.approx(expected, rel=1e-14)


VARIANCES = {
    "lecun": lambda n_in, n_out: 1 / n_in,
    "glorot": lambda n_in, n_out: 2 / (n_in + n_out),
    "he": lambda n_in, n_out: 2 / n_in,
    "torch": lambda n_in, n_out: 1 / (3 * n_in),
}


@pytest.mark.parametrize("shape", ["normal", "uniform"])
@pytest.mark.parametrize("family", VARIANCES)
def test_initial_weights_have_the_variance_of_their_name(family, shape):
    name = family if family == "torch" else f"{family}_{shape}"
    widths = [100, 300, 200]
    model = Model.model_validate({"init": name, "init_scale": 2.0, "output_scale": 0.5})
    theta, start = initialize(widths, stream(0, "init"), model).astype(float), 0
    for (n_in, n_out), factor in zip(pairwise(widths), (4.0, 1.0), strict=True):
        weights = theta[start : start + n_in * n_out]
        variance = VARIANCES[family](n_in, n_out) * factor
        assert weights.var() == pytest.approx(variance, rel=0.03)
        if name.endswith("normal"):
            assert np.abs(weights).max() > 3.5 * np.sqrt(variance)
        else:
            assert np.abs(weights).max() == pytest.approx(np.sqrt(3 * variance), rel=0.01)
        start += n_in * n_out
        biases = theta[start : start + n_out]
        assert biases.any() == (family == "torch")
        if family == "torch":
            assert np.abs(biases).max() == pytest.approx(np.sqrt(factor / n_in), rel=0.1)
        start += n_out


def test_sam_follows_a_gradient_uphill_of_the_parameters():
    """With rho near zero it is the optimizer alone, with a large rho it is not."""
    data = moons()
    plain, near, far = (
        run(Trainer(spec({"optimizer": SGD | sam}), data, SEED))[1]
        for sam in ({}, {"sam": {"rho": 1e-7}}, {"sam": {"rho": 0.5}})
    )
    np.testing.assert_allclose(near, plain, atol=1e-5)
    assert np.abs(far - plain).max() > 1e-2


@pytest.mark.parametrize(
    ("changes", "field", "what"),
    [
        ({"optimizer.nesterov": True}, "optimizer.sgd.nesterov", "momentum"),
        ({"optimizer.schedule.warmup": 10_000}, "optimizer.schedule.warmup", "10000 updates"),
        ({"optimizer": RMSPROP | {"beta1": 0.5}}, "beta1", "Extra inputs"),
        ({"optimizer.schedule": {"name": "cosine", "lr": 0.1, "alpha": 1}}, "alpha", "Extra"),
        (
            {
                "optimizer": MOMENTUM | {"decoupled": True},
                "regularization": {"l2": 1.0, "l2_convention": "penalty"},
            },
            "l2_convention",
            "decoupled",
        ),
        (
            {
                "optimizer": SGD | {"clip_norm": 1.0},
                "regularization": {"l2": 1.0, "l2_convention": "penalty"},
            },
            "l2_convention",
            "clip_norm",
        ),
        (
            {
                "optimizer": SGD | {"sam": {}},
                "regularization": {"l2": 1.0, "l2_convention": "penalty"},
            },
            "l2_convention",
            "optimizer.sam",
        ),
        (
            {
                "model.loss": "squared",
                "probes.calibration": None,
                "regularization.confidence_penalty": 0.1,
            },
            "confidence_penalty",
            "probabilities",
        ),
        ({"model.hidden": [], "regularization.max_norm": 1.0}, "max_norm", "hidden layer"),
    ],
)
def test_what_has_no_meaning_is_refused(changes, field, what):
    with pytest.raises(ValidationError) as refused:
        spec(changes)
    assert what in str(refused.value)
    assert field.rpartition(".")[2] in json.dumps(refused.value.errors(), default=str)


@pytest.mark.parametrize("preset", PRESETS)
def test_specs_without_the_handles_have_the_documents_of_before(preset):
    """Content keys are made of these documents."""
    later = {
        "clip_norm", "sam", "average", "momentum", "nesterov", "warmup", "init", "init_biases",
        "init_scale", "output_scale", "l2_convention", "decay_biases", "max_norm",
        "confidence_penalty", "dropout_input", "label_noise_kind",
    }  # fmt: skip
    for point in expand(build(preset, {}))[:3]:
        document = point.spec.model_dump(mode="json")
        parts = [document, *document.values(), document["optimizer"]["schedule"]]
        assert not later & {name for part in parts for name in part or ()}
        assert "name" not in document["optimizer"]["schedule"]
        assert RunSpec.model_validate(document) == point.spec


def test_schedules_can_be_swept_by_name():
    names = ["power", "constant", "cosine"]
    wanted = parse_spec(
        {
            "dataset": {"name": "two_moons"},
            "optimizer": {"schedule": {"lr": 0.1}},
            "training": {"epochs": 2, "batch_size": 50},
            "sweep": {"optimizer.schedule.name": names},
        }
    )
    assert [one.spec.optimizer.schedule.name for one in expand(wanted)] == names
    assert [one.params["optimizer.schedule.name"] for one in expand(wanted)] == names
    other = resolve_point(wanted, {"optimizer.schedule": {"name": "cosine", "lr": 0.3}})
    assert other.optimizer.schedule.name == "cosine"
