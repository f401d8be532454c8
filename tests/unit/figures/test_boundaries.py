"""Boundaries name the class whose probability they show, whatever the dataset."""

from __future__ import annotations

import numpy as np
import pytest

from reglab.core.figures import REGISTRY, Style
from reglab.core.spec import TwoMoons
from tests.harness.synthetic import curves, experiment, stripes


@pytest.mark.parametrize(
    ("names", "loss", "label", "said"),
    [
        (("even", "odd"), "cross_entropy", "p(odd)", "Probability of class 1 (odd) over"),
        ((), "cross_entropy", "p(class 1)", "Probability of class 1 over"),
        (("even", "odd"), "squared", "softmax of outputs for odd", "for class 1 (odd) (no"),
    ],
)
def test_the_class_is_named(monkeypatch, names, loss, label, said):
    monkeypatch.setattr(TwoMoons, "class_names", names)
    points = {"train.points": np.zeros((2, 2)), "train.labels": np.array([0, 1])}
    changes = {"model.loss": loss, "probes.calibration": None}
    runs = experiment("l2", 0, lambda at, run: (curves(), stripes(2) | points), **changes)
    figure = REGISTRY["boundaries"]
    found = figure.measure(runs)
    assert figure.draw(found, Style()).axes[-1].get_ylabel() == label
    assert said in figure.caption(found)
