"""Logits, loss and accuracy on clean data, dropout off, in blocks that stay in the cache."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reglab.core.engine import first_layer, packed
from reglab.core.engine.activations import bias_activation
from reglab.core.engine.compiler import kernel
from reglab.core.engine.gemm import multiply
from reglab.core.engine.inputs import Inputs, choose_rows
from reglab.core.engine.kernels import matrix, weight_start
from reglab.core.engine.microkernels import LISTED_ROWS as ROWS
from reglab.core.engine.packed import Packed, make_lists
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
def _upper_layers(theta: Any, widths: Any, code: int, work: Any, rows: Any, out: Any) -> None:
    """out[rows] <- the network's outputs, from those of the first layer in ``work[0]``."""
    b = rows.shape[0]
    last = widths.shape[0] - 2
    z = matrix(work[0], 0, b, widths[1])
    for layer in range(last):
        start = weight_start(widths, layer)
        n_in, n_out, after = widths[layer], widths[layer + 1], widths[layer + 2]
        a = z
        bias_activation(a, theta[start + n_in * n_out : start + (n_in + 1) * n_out], code)
        z = matrix(work[(layer + 1) % 2], 0, b, after)
        multiply(a, matrix(theta, start + (n_in + 1) * n_out, n_out, after), z)
    bias = theta[theta.shape[0] - widths[last + 1] :]
    for row in range(b):
        for k in range(out.shape[1]):
            out[rows[row], k] = z[row, k] + bias[k]


@kernel
def _all_logits(theta: Any, widths: Any, code: int, inputs: Any, scratch: Any, out: Any) -> None:
    work = np.empty((2, BLOCK * widths[1:].max()), np.float32)
    weights = matrix(theta, 0, widths[0], widths[1])
    order = np.arange(out.shape[0])
    still = np.zeros(2, np.int64)
    for begin in range(0, out.shape[0], BLOCK):
        rows = order[begin : min(begin + BLOCK, out.shape[0])]
        z = matrix(work[0], 0, rows.shape[0], widths[1])
        chosen = choose_rows(inputs, rows, still, still, scratch)
        places = order[: rows.shape[0]]
        first_layer.forward(inputs[5], chosen, places, weights, scratch, z)
        _upper_layers(theta, widths, code, work, rows, out)


@kernel
def _packed_logits(theta: Any, widths: Any, code: int, inputs: Any, lists: Any, out: Any) -> None:
    work = np.empty((2, BLOCK * widths[1:].max()), np.float32)
    weights = matrix(theta, 0, widths[0], widths[1])
    for begin in range(0, out.shape[0], BLOCK):
        rows = inputs[0][begin : min(begin + BLOCK, out.shape[0])]
        z = matrix(work[0], 0, rows.shape[0], widths[1])
        packed.forward(inputs, begin, begin + rows.shape[0], weights, lists, z)
        _upper_layers(theta, widths, code, work, rows, out)


def logits(
    theta: NDArray[np.float32], widths: NDArray[np.int64], code: int, inputs: Inputs | Packed
) -> NDArray[np.float32]:
    """Logits (N, K) float32 of all inputs."""
    out = np.empty((len(inputs), int(widths[-1])), np.float32)
    columns = int(widths[0])
    if isinstance(inputs, Packed):
        lists = make_lists(columns)
        _packed_logits(theta, widths, code, inputs.arrays(), lists, out)
    else:
        scratch = make_scratch(columns, BLOCK, 1)
        _all_logits(theta, widths, code, inputs.packed(), scratch, out)
    return out
