"""Logits, loss and accuracy on clean data, dropout off, in blocks that stay in the cache."""

from __future__ import annotations

import numpy as np

from reglab.core.engine import compiled_elementary, first_layer, packed  # noqa: F401
from reglab.core.engine.activations import bias_activation
from reglab.core.engine.arrays import F32, I64
from reglab.core.engine.compiler import kernel
from reglab.core.engine.gemm import multiply
from reglab.core.engine.inputs import Inputs, Scratch, choose_rows
from reglab.core.engine.layout import bias_of, matrix, weights_of
from reglab.core.engine.microkernels import LISTED_ROWS as ROWS
from reglab.core.engine.packed import Packed, PackedLists, make_lists
from reglab.core.engine.workspace import make_scratch
from reglab.core.metrics import losses

# A multiple of a tile's rows.
BLOCK = 21 * ROWS

# By the name of the loss: it and the accuracy, of outputs (N, K) and labels (N,).
MEASURES = {
    "cross_entropy": kernel(losses.cross_entropy_and_accuracy),
    "squared": kernel(losses.squared_loss_and_accuracy),
}


@kernel
def _upper_layers(theta: F32, widths: I64, activation: int, work: F32, rows: I64, out: F32) -> None:
    """out[rows] <- the network's outputs, from those of the first layer in ``work[0]``."""
    batch = rows.shape[0]
    last = widths.shape[0] - 2
    z = matrix(work[0], 0, batch, widths[1])
    for layer in range(last):
        a = z
        bias_activation(a, bias_of(theta, widths, layer), activation)
        z = matrix(work[(layer + 1) % 2], 0, batch, widths[layer + 2])
        multiply(a, weights_of(theta, widths, layer + 1), z)
    bias = bias_of(theta, widths, last)
    for row in range(batch):
        for k in range(out.shape[1]):
            out[rows[row], k] = z[row, k] + bias[k]


@kernel
def _all_logits(
    theta: F32,
    widths: I64,
    activation: int,
    inputs: Inputs,
    order: I64,
    scratch: Scratch,
    work: F32,
    still: I64,
    out: F32,
) -> None:
    for begin in range(0, out.shape[0], BLOCK):
        rows = order[begin : min(begin + BLOCK, out.shape[0])]
        z = matrix(work[0], 0, rows.shape[0], widths[1])
        chosen = choose_rows(inputs, rows, order[: rows.shape[0]], still, still, scratch)
        first_layer.forward(chosen, weights_of(theta, widths, 0), scratch, z)
        _upper_layers(theta, widths, activation, work, rows, out)


@kernel
def _packed_logits(
    theta: F32,
    widths: I64,
    activation: int,
    inputs: Packed,
    lists: PackedLists,
    work: F32,
    out: F32,
) -> None:
    for begin in range(0, out.shape[0], BLOCK):
        rows = inputs.order[begin : min(begin + BLOCK, out.shape[0])]
        z = matrix(work[0], 0, rows.shape[0], widths[1])
        end = begin + rows.shape[0]
        packed.forward(inputs, begin, end, weights_of(theta, widths, 0), lists, z)
        _upper_layers(theta, widths, activation, work, rows, out)


def logits(theta: F32, widths: I64, activation: int, inputs: Inputs | Packed) -> F32:
    """Logits (N, K) float32 of all inputs."""
    columns, classes = int(widths[0]), int(widths[-1])
    work = np.empty((2, BLOCK * int(widths[1:].max())), np.float32)
    if isinstance(inputs, Packed):
        out = np.empty((len(inputs.order), classes), np.float32)
        _packed_logits(theta, widths, activation, inputs, make_lists(columns), work, out)
        return out
    out = np.empty((len(inputs.dense), classes), np.float32)
    order, still = np.arange(len(out)), np.zeros(2, np.int64)
    scratch = make_scratch(columns, BLOCK, 1)
    _all_logits(theta, widths, activation, inputs, order, scratch, work, still, out)
    return out
