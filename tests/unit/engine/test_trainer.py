"""The training loop: reproducible, resumable, honest about divergence."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss

from reglab.core.engine import Network, Trainer
from reglab.core.engine.activations import bias_tanh
from reglab.core.engine.network import initialize
from reglab.core.engine.random_streams import stream
from reglab.core.errors import TrainingDivergedError
from reglab.core.regularizers import LabelSmoothing, Shift, Sizes
from reglab.core.regularizers.dropout import Dropout
from tests.harness.training import digits, moons, run, spec, through_storage
from tests.unit.engine import oracle

EVERYTHING = {
    "plain": ({}, moons),
    "decay": ({"regularization": {"l2": 0.01, "l1": 0.001}}, moons),
    "proximal": ({"regularization": {"l1": 0.01, "l1_method": "proximal"}}, moons),
    "dropout": ({"regularization.dropout": 0.4}, moons),
    "dropout by example": ({"regularization": {"dropout": 0.4, "dropout_mask": "example"}}, moons),
    "smoothing": ({"regularization.label_smoothing": 0.1}, moons),
    "shift": ({"dataset": {"name": "digits"}, "regularization.augmentation": "shift"}, digits),
}
OPTIMIZERS = {
    "sgd": {},
    "adam": {"optimizer": {"name": "adam", "schedule": {"lr": 0.01}}},
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("case", EVERYTHING)
def test_same_seed_same_bits_and_resumed_alike(case, optimizer):
    changes, make = EVERYTHING[case]
    wanted = spec(
        changes | OPTIMIZERS[optimizer] | {"training.epochs": 7, "training.eval_every": 2}
    )
    data = make()
    evaluations, theta = run(Trainer(wanted, data, seed=4))
    again, same = run(Trainer(wanted, data, seed=4))
    np.testing.assert_array_equal(theta, same)
    assert evaluations == again

    saved = []
    first = Trainer(wanted, data, seed=4)
    first.on_epoch = lambda epoch: saved.append(first.checkpoint())
    run(first)
    resumed, same = run(Trainer(wanted, data, 4, through_storage(saved[2])))
    np.testing.assert_array_equal(theta, same)
    assert resumed == [each for each in evaluations if each.epoch > 3]


def test_another_seed_gives_another_network():
    data = moons()
    assert not np.array_equal(run(Trainer(spec(), data, 1))[1], run(Trainer(spec(), data, 2))[1])


def test_evaluates_at_the_start_every_so_often_and_at_the_end():
    wanted = spec({"training.epochs": 7, "training.eval_every": 3})
    evaluations, _ = run(Trainer(wanted, moons(), 0))
    assert [each.epoch for each in evaluations] == [0, 3, 6, 7]
    # 50 examples in batches of 16: the short fourth batch counts.
    assert [each.step for each in evaluations] == [0, 12, 24, 28]


def test_loss_and_accuracy_agree_with_scikit_learn():
    data = moons()
    trainer = Trainer(spec({"regularization": {"dropout": 0.4, "label_smoothing": 0.2}}), data, 0)
    evaluations, _ = run(trainer)
    p = trainer.network().probabilities(data.x_test)
    assert evaluations[-1].test_loss == pytest.approx(log_loss(data.y_test, p), rel=1e-6)
    assert evaluations[-1].test_accuracy == accuracy_score(data.y_test, p.argmax(axis=1))


def test_divergence_is_an_error_that_names_the_epoch():
    wanted = spec(
        {
            "model.activation": "relu",
            "optimizer.schedule": {"lr": 100.0},
            "regularization.l2": 50.0,
            "training.epochs": 50,
        }
    )
    with pytest.raises(TrainingDivergedError, match=r"epoch \d+") as caught:
        run(Trainer(wanted, moons(), 0))
    assert "learning rate" in caught.value.problems[0].remedy


def test_turning_a_method_on_leaves_other_streams_as_they_were():
    data = moons()
    plain = Trainer(spec(), data, 9)
    dropped = Trainer(spec({"regularization.dropout": 0.4}), data, 9)
    np.testing.assert_array_equal(plain.network().theta, dropped.network().theta)
    list(plain), list(dropped)
    states = [t.checkpoint().state["streams"]["batches"] for t in (plain, dropped)]
    assert states[0] == states[1]


def test_streams_differ_from_each_other_and_by_seed():
    names = ("data", "init", "batches", "dropout", "validation")
    draws = {(seed, name): stream(seed, name).random() for seed in (0, 1) for name in names}
    assert len(set(draws.values())) == len(draws)


def test_initial_weights_have_variance_one_over_n_in():
    wanted = spec({"dataset": {"name": "digits"}, "model.hidden": [512]})
    network = Trainer(wanted, digits(), 0).network()
    assert np.var(network.weights[0]) == pytest.approx(1 / 64, rel=0.03)
    assert not any(bias.any() for bias in network.biases)


def test_proximal_l1_gives_exact_zeros_and_the_subgradient_does_not():
    share = {}
    for method in ("proximal", "subgradient"):
        wanted = spec({"regularization": {"l1": 0.05, "l1_method": method}, "training.epochs": 60})
        _, theta = run(Trainer(wanted, moons(), 0))
        share[method] = np.mean(theta[: 2 * 7 + 7 + 35] == 0)
    assert share["proximal"] > 0.3
    assert share["subgradient"] < 0.1


@pytest.mark.parametrize("activation", ["tanh", "relu", "identity"])
def test_activations_of_hidden_layers_are_those_of_the_oracle(activation):
    rng = np.random.default_rng(0)
    network = Network((7, 5, 4, 3), activation, initialize((7, 5, 4, 3), rng))
    for bias in network.biases:
        bias[:] = rng.normal(size=len(bias))
    x = rng.normal(size=(300, 7)).astype(np.float32)
    layers = list(zip(network.weights, network.biases, strict=True))
    expected = oracle.forward(layers, x.astype(np.float64), activation)[1:-1]
    found = network.activations(x)
    assert [(each.shape, each.dtype) for each in found] == [((300, 5), "f4"), ((300, 4), "f4")]
    for hidden, right in zip(found, expected, strict=True):
        np.testing.assert_allclose(hidden, right, atol=1e-5)
    assert network.activations(x[:0])[1].shape == (0, 4)
    assert Network((2, 3), activation, np.zeros(9, np.float32)).activations(x[:, :2]) == []


def test_network_survives_storage_as_arrays():
    trainer = Trainer(spec(), moons(), 0)
    run(trainer)
    network = trainer.network()
    again = Network.from_arrays(network.widths, network.activation, network.arrays())
    np.testing.assert_array_equal(network.theta, again.theta)
    x = np.random.default_rng(0).normal(size=(300, 2))
    np.testing.assert_array_equal(network.logits(x), again.logits(x))


def test_dropout_networks_average_to_the_whole_network():
    wanted = spec({"model.activation": "identity", "model.hidden": [40], "training.epochs": 1})
    trainer = Trainer(wanted, moons(), 0)
    run(trainer)
    network, x = trainer.network(), moons().x_test
    np.testing.assert_allclose(
        network.dropout_probabilities(x, 0.0, 1), network.probabilities(x), atol=1e-5
    )
    samples = [network.dropout_probabilities(x, 0.2, 1, k) for k in range(2000)]
    # A linear network's log odds are linear in the masks: their mean is the plain network's.
    odds = np.mean([np.log(p[:, 1] / p[:, 0]) for p in samples], axis=0)
    logits = network.logits(x)
    np.testing.assert_allclose(odds, logits[:, 1] - logits[:, 0], atol=0.12)
    assert not np.allclose(samples[0], samples[1])


def test_fast_tanh_is_within_a_few_ulp_and_lets_nan_through():
    x = np.linspace(-12, 12, 200_001, dtype=np.float32).reshape(1, -1)
    found = x.copy()
    bias_tanh(found, np.zeros(x.shape[1], np.float32))
    expected = np.tanh(x.astype(np.float64))
    error = np.abs(found - expected) / np.spacing(np.abs(expected).astype(np.float32))
    assert error.max() < 8
    bad = np.array([[np.nan, np.inf]], np.float32)
    bias_tanh(bad, np.zeros(2, np.float32))
    assert np.isnan(bad[0, 0])
    assert bad[0, 1] == pytest.approx(1.0)


def test_smoothed_targets_are_distributions():
    one_hot = np.eye(4, dtype=np.float32)
    others = LabelSmoothing(0.3, uniform=False).targets(one_hot)
    uniform = LabelSmoothing(0.3, uniform=True).targets(one_hot)
    np.testing.assert_allclose(others[0], [0.7, 0.1, 0.1, 0.1], atol=1e-6)
    np.testing.assert_allclose(uniform[0], [0.775, 0.075, 0.075, 0.075], atol=1e-6)


def test_masks_and_shifts_have_the_asked_rates():
    sizes = Sizes(examples=1000, batches=4000, hidden=(10,))
    masks = Dropout((0.4,), per_example=False).activations(np.random.default_rng(0), sizes).values
    assert masks.shape == (4000, 10)
    assert np.mean(masks == 0) == pytest.approx(0.4, abs=0.01)
    assert masks.mean() == pytest.approx(1.0, abs=0.02)
    shifts = Shift((-2, -1, 1, 2), 0.5).shifts(np.random.default_rng(0), sizes)
    still = (shifts == 0).all(axis=1)
    assert still.mean() == pytest.approx(0.5, abs=0.03)
    values, counts = np.unique(shifts[~still], return_counts=True)
    np.testing.assert_array_equal(values, [-2, -1, 1, 2])
    assert counts.min() > 0.2 * counts.sum()
