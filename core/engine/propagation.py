"""Forward and backward pass of one batch (Rumelhart, Hinton and Williams, 1986)."""

from __future__ import annotations

from typing import NamedTuple

from reglab.core.engine import first_layer
from reglab.core.engine.activations import (
    GELU,
    apply_mask,
    bias_activation,
    gelu_slopes,
    masked_derivative,
    times_derivative,
)
from reglab.core.engine.arrays import F32, I64
from reglab.core.engine.compiler import inlined, kernel
from reglab.core.engine.gemm import multiply, multiply_transposed, transpose
from reglab.core.engine.inputs import BatchInputs
from reglab.core.engine.layout import bias_of, matrix, outputs_of, weights_of
from reglab.core.engine.losses import add_confidence_penalty, softmax_delta, squared_delta
from reglab.core.engine.workspace import Workspace


class Architecture(NamedTuple):
    """What compiled code knows of a network beside its parameters.

    Attributes:
        widths: Layer widths from input to output, (L + 1,) int64.
        activation: One of ``activations.CODES``.
        is_squared: Whether the loss is squared, else cross-entropy of the softmax.
        confidence: Strength of the confidence penalty.
    """

    widths: I64
    activation: int
    is_squared: bool
    confidence: float


class BatchMasks(NamedTuple):
    """The masks of hidden activations, and which of their rows a batch uses.

    Attributes:
        values: (rows, hidden units) float32; a kept unit's is 1 / keep.
        is_on: Whether activations are masked at all.
        is_shared: Whether all examples of a batch have the mask ``row``; else each has one of its
            own, from ``row`` on.
        row: Row of the batch, or of its first example.
        keep: Chance of a unit of each hidden layer to be kept, (L - 1,) float32.
    """

    values: F32
    is_on: bool
    is_shared: bool
    row: int
    keep: F32


@kernel
def column_sums(delta: F32, out: F32) -> None:
    """out (n,) <- sum of delta (B, n) over rows."""
    for unit in range(delta.shape[1]):
        out[unit] = delta[0, unit]
    for row in range(1, delta.shape[0]):
        for unit in range(delta.shape[1]):
            out[unit] += delta[row, unit]


@inlined
def forward(
    network: Architecture, theta: F32, inputs: BatchInputs, masks: BatchMasks, space: Workspace
) -> F32:
    """Outputs of the last layer without its bias (B, K); all layers' go to ``space.outputs``."""
    widths = network.widths
    batch = inputs.rows.shape[0]
    z = outputs_of(space.outputs, widths, 0, batch)
    first_layer.forward(inputs, weights_of(theta, widths, 0), space.scratch, z)
    unit = 0
    for layer in range(widths.shape[0] - 2):
        a = outputs_of(space.outputs, widths, layer, batch)
        if network.activation == GELU:
            slopes = outputs_of(space.slopes, widths, layer, batch)
            gelu_slopes(a, bias_of(theta, widths, layer), slopes)
        bias_activation(a, bias_of(theta, widths, layer), network.activation)
        if masks.is_on:
            apply_mask(a, masks.values, unit, masks.row, masks.is_shared)
        unit += widths[layer + 1]
        z = outputs_of(space.outputs, widths, layer + 1, batch)
        multiply(a, weights_of(theta, widths, layer + 1), z)
    return z


@inlined
def backward(
    network: Architecture,
    theta: F32,
    z: F32,
    targets: F32,
    rows: I64,
    masks: BatchMasks,
    space: Workspace,
    gradient: F32,
) -> F32:
    """Gradients of all parameters but the first weights; returns the first layer's delta (B, n).

    delta is the derivative of the loss by a layer's sums. The first layer's weights get theirs
    from it and the inputs.

    Args:
        network: The network.
        theta: Its parameters, (P,).
        z: Outputs of ``forward``.
        targets: (N, K) float32.
        rows: Rows of the batch in ``targets``, (B,).
        masks: As in ``forward``.
        space: Holds the outputs of ``forward``.
        gradient: (P,), written to.
    """
    widths = network.widths
    batch = rows.shape[0]
    last = widths.shape[0] - 2
    delta = outputs_of(space.deltas, widths, last, batch)
    if network.is_squared:
        squared_delta(z, bias_of(theta, widths, last), targets, rows, delta)
    else:
        softmax_delta(z, bias_of(theta, widths, last), targets, rows, delta)
        if network.confidence != 0:
            add_confidence_penalty(z, bias_of(theta, widths, last), network.confidence, delta)
    unit = widths[1:-1].sum()
    for layer in range(last, 0, -1):
        a = outputs_of(space.outputs, widths, layer - 1, batch)
        column_sums(delta, bias_of(gradient, widths, layer))
        multiply_transposed(a, delta, weights_of(gradient, widths, layer))
        transposed = matrix(space.transposed, 0, widths[layer + 1], widths[layer])
        transpose(weights_of(theta, widths, layer), transposed)
        below = outputs_of(space.deltas, widths, layer - 1, batch)
        multiply(delta, transposed, below)
        slopes = outputs_of(space.slopes, widths, layer - 1, batch)
        if masks.is_on:
            unit -= widths[layer]
            masked_derivative(
                below, a, slopes, masks.values, unit, masks.row, masks.is_shared,
                masks.keep[layer - 1], network.activation,
            )  # fmt: skip
        else:
            times_derivative(below, a, slopes, network.activation)
        delta = below
    column_sums(delta, bias_of(gradient, widths, 0))
    return delta
