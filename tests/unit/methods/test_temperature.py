"""Temperature scaling against scikit-learn and torch, and what data it sees."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss

from reglab.core import datasets
from reglab.core.engine.random_streams import stream
from reglab.core.errors import SpecError
from reglab.core.figures import REGISTRY, Style, render
from reglab.core.figures.temperature import best_smoothing
from reglab.core.metrics.predictions import mean_nll
from reglab.core.metrics.temperature import fit_temperature, warnings_of
from reglab.core.presets import build
from reglab.core.spec import expand
from tests.harness.training import finish, small

SMALL = {
    "dataset": {"name": "digits", "train_size": 200, "test_size": 300},
    "model.hidden": [30],
    "training": {"epochs": 150, "batch_size": 20, "eval_every": 50},
    "probes.temperature.validation_size": 80,
    "sweep": {"regularization.label_smoothing": [0.0, 0.05, 0.2]},
    "seeds": [0, 1],
}


def overconfident(size=400, classes=5, scale=4.0):
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(size, classes))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([rng.choice(classes, p=row) for row in p])
    return (scale * logits).astype(np.float32), labels


class Logits(ClassifierMixin, BaseEstimator):
    """A classifier whose inputs are its logits."""

    def __init__(self):
        self.classes_ = np.arange(5)

    def fit(self, x, y):
        return self

    def decision_function(self, x):
        return x

    def predict(self, x):
        return x.argmax(axis=1)


def test_agrees_with_scikit_learn():
    logits, labels = overconfident()
    model = CalibratedClassifierCV(FrozenEstimator(Logits()), method="temperature", ensemble=False)
    model.fit(logits.astype(float), labels)
    z = logits / fit_temperature(logits, labels)
    expected = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(logits.astype(float)), expected, atol=1e-4)


def test_agrees_with_torch_and_finds_the_scale_that_was_put_in():
    torch = pytest.importorskip("torch")
    logits, labels = overconfident(20_000)
    found = fit_temperature(logits, labels)
    assert found == pytest.approx(4.0, rel=0.05)
    log_t = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    z, y = torch.from_numpy(logits.astype(float)), torch.from_numpy(labels)
    optimizer = torch.optim.LBFGS([log_t], max_iter=200, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(z / log_t.exp(), y)
        loss.backward()
        return loss

    optimizer.step(closure)
    assert found == pytest.approx(log_t.exp().item(), rel=1e-4)


def test_probe_fits_on_the_validation_part_and_measures_on_the_test_set():
    run = expand(build("temperature-scaling", SMALL | {"seeds": [0]}))[0]
    result = finish(run.spec, 0)
    found = result.summary["temperature"]
    validation = np.asarray(result.arrays["validation.labels"], int)
    assert len(validation) == 80
    assert found["value"] == fit_temperature(result.arrays["validation.logits"], validation)
    assert abs(found["value"] - 1) > 0.02
    before, after = found["validation_nll"]
    assert after < before == mean_nll(result.arrays["validation.logits"], validation)
    z = result.logits() / found["value"]
    p = np.exp(z.astype(float)) / np.exp(z.astype(float)).sum(axis=1, keepdims=True)
    assert found["test"]["nll"] == pytest.approx(log_loss(result.labels(), p), rel=1e-5)
    assert found["test"]["accuracy"] == result.summary["calibration"]["accuracy"]

    # Other test labels change no bit of what was fitted.
    data = datasets.load(run.spec.dataset, stream(0, "data"))
    shuffled = dataclasses.replace(data, y_test=data.y_test[::-1].copy())
    again = finish(run.spec, 0, shuffled)
    assert again.summary["temperature"]["value"] == found["value"]
    assert again.summary["temperature"]["test"]["nll"] != found["test"]["nll"]


def test_figure_chooses_by_validation():
    runs = small("temperature-scaling", SMALL)
    figure = REGISTRY["temperature-scaling"]
    assert figure.reason(runs) is None
    assert "temperature probe" in figure.reason(runs[:2])
    losses = {}
    for run in runs:
        eps = run.spec.regularization.label_smoothing
        labels = np.asarray(run.arrays["validation.labels"], int)
        losses.setdefault(eps, []).append(mean_nll(run.arrays["validation.logits"], labels))
    best = min((0.05, 0.2), key=lambda eps: np.mean(losses[eps]))
    assert best_smoothing(runs) == best
    ece = np.mean([run.summary["ece"] for run in runs[:2]])
    scaled = np.mean([run.summary["temperature"]["test"]["ece"] for run in runs[:2]])
    text = figure.caption(figure.measure(runs))
    assert f"as trained: {ece:.3f}" in text
    assert f": {scaled:.3f} and" in text
    assert render(figure, figure.measure(runs), Style()).startswith(b"\x89PNG")


def test_one_validation_split_and_probabilities_are_needed():
    stopping = {"regularization.early_stopping": {"validation_size": 50}}
    with pytest.raises(SpecError, match="one validation split"):
        build("temperature-scaling", SMALL | stopping)
    with pytest.raises(SpecError, match="needs probabilities"):
        build("temperature-scaling", {"model.loss": "squared", "probes.calibration": None})


ALL, HALF = np.ones(200, bool), np.arange(200) % 2 == 0


@pytest.mark.parametrize(("right", "told"), [(ALL, "smaller"), (HALF, "larger"), (None, None)])
def test_a_likelihood_without_a_maximum_is_told(right, told):
    logits, labels = overconfident(200, 2)
    if right is not None:
        sure = np.where(right, labels, 1 - labels)
        logits = (9.0 * np.eye(2)[sure]).astype(np.float32)
    found = " ".join(warnings_of(logits, labels))
    assert [name for name in ("smaller", "larger") if name in found] == ([told] if told else [])


@pytest.mark.parametrize("scale", [1e-9, 1e-4, 1.0, 1e4, 1e9])
def test_temperatures_are_found_whatever_the_scale_of_logits(scale):
    logits, labels = overconfident(300)
    expected = fit_temperature(logits, labels)
    found = fit_temperature((logits * np.float32(scale)).astype(np.float32), labels)
    assert found / scale == pytest.approx(expected, rel=1e-4)


def test_few_examples_are_told():
    logits, labels = overconfident(100)
    assert warnings_of(logits, labels) == []
    assert "99 examples" in warnings_of(logits[:99], labels[:99])[0]
