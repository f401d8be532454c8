"""Logits, loss and accuracy on clean data, dropout off, in blocks that stay in the cache."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reglab.core.engine.activations import bias_activation
from reglab.core.engine.compiler import kernel
from reglab.core.engine.inputs import Inputs, forward_sparse
from reglab.core.engine.kernels import matrix, weight_start

BLOCK = 128


@kernel
def _block_logits(
    theta: Any, widths: Any, code: int, inputs: Any, begin: int, end: int, work: Any, out: Any
) -> None:
    dense, indptr, indices, values, is_sparse = inputs
    layers = widths.shape[0] - 1
    b = end - begin
    a = matrix(work[0], 0, b, widths[1])
    weights = matrix(theta, 0, widths[0], widths[1])
    if is_sparse:
        for row in range(begin, end):
            low, high = indptr[row], indptr[row + 1]
            row_indices = indices[low:high].reshape(1, high - low)
            row_values = values[low:high].reshape(1, high - low)
            count = np.array([high - low])
            forward_sparse(
                row_indices, row_values, count, weights, a[row - begin : row - begin + 1]
            )
    else:
        np.dot(dense[begin:end], weights, a)
    for layer in range(layers):
        start = weight_start(widths, layer)
        n_in, n_out = widths[layer], widths[layer + 1]
        bias = theta[start + n_in * n_out : start + (n_in + 1) * n_out]
        if layer == layers - 1:
            for row in range(b):
                for k in range(n_out):
                    out[begin + row, k] = a[row, k] + bias[k]
            return
        bias_activation(a, bias, code)
        after = widths[layer + 2]
        z = matrix(work[(layer + 1) % 2], 0, b, after)
        np.dot(a, matrix(theta, start + (n_in + 1) * n_out, n_out, after), z)
        a = z


@kernel
def _all_logits(theta: Any, widths: Any, code: int, inputs: Any, out: Any) -> None:
    work = np.empty((2, BLOCK * widths[1:].max()), np.float32)
    for begin in range(0, out.shape[0], BLOCK):
        end = min(begin + BLOCK, out.shape[0])
        _block_logits(theta, widths, code, inputs, begin, end, work, out)


@kernel
def loss_and_hits(logits: Any, labels: Any) -> Any:
    """Mean cross-entropy (float64) and share of right answers; logits (N, K), labels (N,)."""
    total = 0.0
    hits = 0
    for row in range(logits.shape[0]):
        best = 0
        for k in range(1, logits.shape[1]):
            if logits[row, k] > logits[row, best]:
                best = k
        top = np.float64(logits[row, best])
        mass = 0.0
        for k in range(logits.shape[1]):
            mass += np.exp(np.float64(logits[row, k]) - top)
        total += np.log(mass) + top - np.float64(logits[row, labels[row]])
        if best == labels[row]:
            hits += 1
    return total / logits.shape[0], hits / logits.shape[0]


@kernel
def squared_and_hits(outputs: Any, labels: Any) -> Any:
    """Mean of |z - y|^2 / 2 (float64), y one-hot, and share of right answers; as above."""
    total = 0.0
    hits = 0
    for row in range(outputs.shape[0]):
        best = 0
        for k in range(outputs.shape[1]):
            if outputs[row, k] > outputs[row, best]:
                best = k
            wanted = 1.0 if k == labels[row] else 0.0
            total += 0.5 * (np.float64(outputs[row, k]) - wanted) ** 2
        if best == labels[row]:
            hits += 1
    return total / outputs.shape[0], hits / outputs.shape[0]


def logits(
    theta: NDArray[np.float32], widths: NDArray[np.int64], code: int, inputs: Inputs
) -> NDArray[np.float32]:
    """Logits (N, K) float32 of all inputs."""
    out = np.empty((len(inputs.dense), int(widths[-1])), np.float32)
    packed = (inputs.dense, inputs.indptr, inputs.indices, inputs.values, inputs.is_sparse)
    _all_logits(theta, widths, code, packed, out)
    return out
