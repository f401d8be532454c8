"""Norms of the layers over time, and rescaling of two layers.

A ReLU network's outputs stay the same if W0 and b0 are multiplied by c > 0 and W1 by 1/c
(Neyshabur, Salakhutdinov and Srebro, 2015). Under gradient flow this symmetry conserves
|W0|^2 + |b0|^2 - |W1|^2 (Du, Hu and Lee, 2018); decay lambda makes it fall as exp(-2 lambda t).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from reglab.core.datasets.base import Dataset
from reglab.core.elementary import geometric
from reglab.core.engine import Network
from reglab.core.metrics.weights import squared_norm
from reglab.core.probes.base import Arrays, Stored
from reglab.core.spec import RunSpec

Floats = NDArray[np.float64]
# Not powers of two: by those float32 would be scaled without any rounding.
FACTORS = geometric(0.1, 10.0, 9)
# Outputs are compared on so many test inputs.
INPUTS = 1000


def rescaled(network: Network, factor: float) -> Network:
    """The network with W0 and b0 times ``factor`` and W1 divided by it."""
    theta = network.theta.copy()
    n_in, n_hidden, n_out = network.widths[:3]
    first, second = (n_in + 1) * n_hidden, n_hidden * n_out
    theta[:first] *= np.float32(factor)
    theta[first : first + second] /= np.float32(factor)
    return replace(network, theta=theta)


def output_change(network: Network, x: NDArray[np.float32], factor: float) -> float:
    """Largest change of an output on x (N, d) by rescaling, relative to the largest output."""
    before = network.logits(x).astype(np.float64)
    after = rescaled(network, factor).logits(x).astype(np.float64)
    return float(np.abs(after - before).max() / np.abs(before).max())


class Norms:
    """Stores norms.epochs, norms.steps (T,), .weights, .biases (T, L), .factors, .change (C,)."""

    stores: ClassVar[tuple[Stored, ...]] = (
        Stored(
            {
                "norms.epochs": ("T",),
                "norms.steps": ("T",),
                "norms.weights": ("T", "layers"),
                "norms.biases": ("T", "layers"),
                "norms.factors": ("factors",),
                "norms.change": ("factors",),
            },
            nan=frozenset({"norms.change"}),
        ),
    )

    def __init__(self, spec: RunSpec, data: Dataset) -> None:
        self._x = data.x_test[:INPUTS]
        self._epochs: list[int] = []
        self._weights: list[Floats] = []
        self._biases: list[Floats] = []
        self._batches = spec.training.batches(len(data.y_train))

    @classmethod
    def of(cls, spec: RunSpec, data: Dataset, seed: int) -> Self | None:
        """On where the spec has a norms probe."""
        return cls(spec, data) if spec.probes.norms else None

    def observe(self, epoch: int, network: Network) -> None:
        """Keep the squared norms."""
        self._epochs.append(epoch)
        self._weights.append(np.array([squared_norm(weight) for weight in network.weights]))
        self._biases.append(np.array([squared_norm(bias) for bias in network.biases]))

    def finish(self, network: Network) -> tuple[Arrays, dict[str, Any]]:
        """Norms over time; relative change of the outputs by factor."""
        epochs = np.array(self._epochs, np.int64)
        change = [output_change(network, self._x, float(factor)) for factor in FACTORS]
        return {
            "norms.epochs": epochs,
            "norms.steps": epochs * self._batches,
            "norms.weights": np.stack(self._weights),
            "norms.biases": np.stack(self._biases),
            "norms.factors": FACTORS,
            "norms.change": np.array(change),
        }, {}

    def state(self) -> Arrays:
        """The norms so far."""
        if not self._epochs:
            return {}
        return {
            "epochs": np.array(self._epochs, np.int64),
            "weights": np.stack(self._weights),
            "biases": np.stack(self._biases),
        }

    def restore(self, arrays: Arrays) -> None:
        """Go on from ``state``."""
        self._epochs = [int(epoch) for epoch in arrays["epochs"]]
        self._weights, self._biases = list(arrays["weights"]), list(arrays["biases"])
