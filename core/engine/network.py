"""A trained network: its parameters, and what it says about inputs."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reglab.core.engine.random_streams import stream
from reglab.core.metrics import predictions
from reglab.core.spec import Model

if TYPE_CHECKING:
    from reglab.core.engine.inputs import Inputs
    from reglab.core.engine.packed import Packed


def initialize(
    widths: Sequence[int], rng: np.random.Generator, model: Model | None = None
) -> NDArray[np.float32]:
    """Flat parameters as ``model`` says, else with W ~ N(0, 1/n_in) and b = 0, (P,) float32.

    Layer by layer, weights are drawn before biases. Sources: LeCun et al. (1998), Glorot and Bengio
    (2010), He et al. (2015).
    """
    model = model or Model()
    has_biases = model.init_biases == "uniform" or (
        model.init_biases == "by_init" and model.init == "torch"
    )
    parts = []
    for at, (n_in, n_out) in enumerate(itertools.pairwise(widths)):
        scale = model.init_scale * (model.output_scale if at == len(widths) - 2 else 1.0)
        weights = _draw_weights(model.init, n_in, n_out, rng)
        biases = np.zeros(n_out)
        if has_biases:
            biases = _uniform(n_out, 1 / np.sqrt(n_in), rng)
        parts += [(weights * scale).astype(np.float32), (biases * scale).astype(np.float32)]
    return np.concatenate(parts)


def _draw_weights(
    init: str, n_in: int, n_out: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Weights (n_in * n_out,) float64 of a distribution of ``model.init``."""
    if init == "torch":
        return _uniform(n_in * n_out, 1 / np.sqrt(n_in), rng)
    family, _, shape = init.partition("_")
    over = {"lecun": n_in, "glorot": (n_in + n_out) / 2, "he": n_in / 2}[family]
    if shape == "normal":
        return np.asarray(rng.standard_normal(n_in * n_out) / np.sqrt(over))
    # A uniform number within +-a has the variance a^2 / 3.
    return _uniform(n_in * n_out, np.sqrt(3 / over), rng)


def _uniform(count: int, bound: float, rng: np.random.Generator) -> NDArray[np.float64]:
    return np.asarray((2 * rng.random(count) - 1) * bound)


@dataclass(frozen=True)
class Network:
    """A fully connected classifier.

    Attributes:
        widths: Layer widths from input to output.
        activation: Name of the non-linearity.
        theta: Flat parameters [W0, b0, W1, b1, ...], (P,) float32.
    """

    widths: tuple[int, ...]
    activation: str
    theta: NDArray[np.float32]

    @classmethod
    def from_arrays(
        cls, widths: Sequence[int], activation: str, arrays: Mapping[str, NDArray[Any]]
    ) -> Network:
        """From stored arrays ``param.W0``, ``param.b0``, ..."""
        parts = []
        for layer in range(len(widths) - 1):
            parts.append(np.asarray(arrays[f"param.W{layer}"], np.float32).ravel())
            parts.append(np.asarray(arrays[f"param.b{layer}"], np.float32).ravel())
        return cls(tuple(widths), activation, np.concatenate(parts))

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """The parameters as named arrays, for storage."""
        named = {}
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            named[f"param.W{layer}"] = weight
            named[f"param.b{layer}"] = bias
        return named

    @property
    def weights(self) -> list[NDArray[np.float32]]:
        """Weight matrices, (n_in, n_out) float32 each."""
        return [weight for weight, _ in self._layers()]

    @property
    def biases(self) -> list[NDArray[np.float32]]:
        """Biases, (n_out,) float32 each."""
        return [bias for _, bias in self._layers()]

    def logits(self, x: NDArray[Any] | Inputs | Packed) -> NDArray[np.float32]:
        """Logits (N, K) float32 of x (N, d)."""
        from reglab.core.engine import evaluation
        from reglab.core.engine.activations import CODES
        from reglab.core.engine.inputs import Inputs
        from reglab.core.engine.packed import Packed

        inputs = x if isinstance(x, Inputs | Packed) else Inputs.of(x)
        widths = np.array(self.widths, np.int64)
        return evaluation.logits(self.theta, widths, CODES[self.activation], inputs)

    def activations(self, x: NDArray[Any] | Inputs | Packed) -> list[NDArray[np.float32]]:
        """Outputs of each hidden layer, (N, n_l) float32, of x (N, d), dropout off.

        The list is empty if there is no hidden layer.
        """
        from reglab.core.engine.activations import CODES, bias_activation

        found, end = [], 0
        for layer, (n_in, n_out) in enumerate(itertools.pairwise(self.widths[:-1])):
            end += (n_in + 1) * n_out
            # Of the layers up to this one, whose outputs the activation is not yet applied to.
            below = Network(self.widths[: layer + 2], self.activation, self.theta[:end])
            z = below.logits(x)
            bias_activation(z, np.zeros(n_out, np.float32), CODES[self.activation])
            found.append(z)
        return found

    def probabilities(self, x: NDArray[Any] | Inputs | Packed) -> NDArray[np.float64]:
        """Class probabilities (N, K) float64 of x (N, d), dropout off."""
        return predictions.probabilities(self.logits(x))

    def dropout_probabilities(
        self, x: NDArray[Any], p: float, seed: int, instance: int = 0
    ) -> NDArray[np.float64]:
        """Class probabilities (N, K) float64 of one network with dropout left on.

        One mask of units for all inputs, drawn from the stream ``probe:dropout:<instance>``. It
        multiplies the weights that lead from the units in place of their outputs.
        """
        rng = stream(seed, f"probe:dropout:{instance}")
        thinned = replace(self, theta=self.theta.copy())
        for weight in thinned.weights[1:]:
            keep = rng.random(len(weight)) >= p
            weight[:] *= (keep / (1.0 - p)).astype(np.float32)[:, None]
        return thinned.probabilities(x)

    def _layers(self) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        layers, start = [], 0
        for n_in, n_out in itertools.pairwise(self.widths):
            middle, end = start + n_in * n_out, start + (n_in + 1) * n_out
            layers.append((self.theta[start:middle].reshape(n_in, n_out), self.theta[middle:end]))
            start = end
        return layers
