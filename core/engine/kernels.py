"""One whole epoch of training in one compiled call.

Parameters are one flat float32 vector [W0, b0, W1, b1, ...], W_l of shape (n_in, n_out) in C order,
so that an optimizer is one pass over memory. Activations and deltas of a batch share two flat
workspaces in the same manner. Backward pass: Rumelhart, Hinton and Williams (1986), delta = dL/dz.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reglab.core.engine import first_layer, updates
from reglab.core.engine.activations import (
    apply_mask,
    bias_activation,
    masked_derivative,
    times_derivative,
)
from reglab.core.engine.compiler import kernel
from reglab.core.engine.gemm import multiply, multiply_transposed, transpose
from reglab.core.engine.inputs import choose_rows
from reglab.core.engine.row_order import near_in_batches

ADAM = 1
NO_MASK, BATCH_MASK, EXAMPLE_MASK = 0, 1, 2


@kernel
def matrix(flat: Any, start: int, rows: int, columns: int) -> Any:
    """A (rows, columns) view into a flat vector."""
    return flat[start : start + rows * columns].reshape(rows, columns)


@kernel
def weight_start(widths: Any, layer: int) -> int:
    """Where W_layer begins in the flat parameter vector; its bias follows it."""
    start = 0
    for at in range(layer):
        start += (widths[at] + 1) * widths[at + 1]
    return start


@kernel
def output_start(widths: Any, layer: int, batch: int) -> int:
    """Where the output of ``layer`` begins in a workspace for ``batch`` rows."""
    start = 0
    for at in range(layer):
        start += batch * widths[at + 1]
    return start


@kernel
def softmax_delta(logits: Any, bias: Any, targets: Any, rows: Any, delta: Any) -> None:
    """delta (B, K) <- (softmax(logits + bias) - targets[rows]) / B; targets sum to 1 a row.

    A row of deltas sums to zero. The largest probability's is taken from that: p - 1 would round
    to zero in float32 once the loss is below 6e-8, while its siblings are still known to seven
    digits, and Adam, which scales every gradient up, would then follow the rounding.
    """
    scale = np.float32(1.0 / logits.shape[0])
    classes = logits.shape[1]
    for row in range(logits.shape[0]):
        best, top = 0, logits[row, 0] + bias[0]
        for k in range(1, classes):
            z = logits[row, k] + bias[k]
            if z > top:
                best, top = k, z
        total = np.float32(0)
        for k in range(classes):
            e = np.exp(logits[row, k] + bias[k] - top)
            delta[row, k] = e
            total += e
        others = np.float32(0)
        for k in range(classes):
            if k != best:
                delta[row, k] = (delta[row, k] / total - targets[rows[row], k]) * scale
                others += delta[row, k]
        delta[row, best] = -others


@kernel
def squared_delta(outputs: Any, bias: Any, targets: Any, rows: Any, delta: Any) -> None:
    """delta (B, K) <- (outputs + bias - targets[rows]) / B: of the mean of |z - y|^2 / 2."""
    scale = np.float32(1.0 / outputs.shape[0])
    for row in range(outputs.shape[0]):
        for k in range(outputs.shape[1]):
            delta[row, k] = (outputs[row, k] + bias[k] - targets[rows[row], k]) * scale


@kernel
def column_sums(delta: Any, out: Any) -> None:
    """out (n,) <- sum of delta (B, n) over rows."""
    for unit in range(delta.shape[1]):
        out[unit] = delta[0, unit]
    for row in range(1, delta.shape[0]):
        for unit in range(delta.shape[1]):
            out[unit] += delta[row, unit]


@kernel
def train_epoch(
    parameters: Any,
    inputs: Any,
    image: Any,
    targets: Any,
    order: Any,
    noise: Any,
    batch_size: int,
    network: Any,
    optimizer: Any,
    workspace: Any,
    t: int,
) -> int:
    """Train on every batch of one epoch; returns the number of updates so far.

    Args:
        parameters: (theta, grad, m, v), each (P,) float32, updated in place, and ``moving``: see
            ``first_layer.adam``.
        inputs: As ``inputs.Inputs.packed`` gives them.
        image: (2,) int64, (height, width) or zeros.
        targets: (N, K) float32.
        order: (N,) int64, the epoch's permutation.
        noise: (shifts (batches, 2) int64, masks float32, mask_mode, keep).
        batch_size: B; the last batch may be shorter.
        network: (widths (L + 1,) int64, activation code, whether the loss is squared).
        optimizer: (code, hyper (9,) float64, decoupled, proximal); hyper is lr, alpha, tau, l2, l1,
            beta1, beta2, eps.
        workspace: (outputs, deltas, transposed, batch): see ``workspace.make_workspace``.
        t: Number of updates before this epoch.
    """
    theta, grad, m, v, moving = parameters
    shifts, masks, mask_mode, keep = noise
    widths, code, squared = network
    algorithm, hyper, decoupled, proximal = optimizer
    outputs, deltas, transposed, scratch = workspace
    near, is_sparse = inputs[4], inputs[5]
    layers = widths.shape[0] - 1
    size = order.shape[0]
    first = widths[0] * widths[1]
    l2 = hyper[3]
    l1 = 0.0 if proximal else hyper[4]
    shared = mask_mode == BATCH_MASK
    batches = (size + batch_size - 1) // batch_size
    places = near_in_batches(order, near, batch_size) if is_sparse else order

    for batch in range(batches):
        begin = batch * batch_size
        rows = order[begin : min(begin + batch_size, size)]
        b = rows.shape[0]
        mask_row = batch if shared else begin

        # Forward.
        z = matrix(outputs, 0, b, widths[1])
        chosen = choose_rows(inputs, rows, shifts[batch], image, scratch)
        weights = matrix(theta, 0, widths[0], widths[1])
        first_layer.forward(is_sparse, chosen, places[begin : begin + b], weights, scratch, z)
        unit = 0
        for layer in range(layers - 1):
            start = weight_start(widths, layer)
            n_in, n_out = widths[layer], widths[layer + 1]
            bias = theta[start + n_in * n_out : start + (n_in + 1) * n_out]
            a = matrix(outputs, output_start(widths, layer, b), b, n_out)
            bias_activation(a, bias, code)
            if mask_mode != NO_MASK:
                apply_mask(a, masks, unit, mask_row, shared)
            unit += n_out
            after = widths[layer + 2]
            z = matrix(outputs, output_start(widths, layer + 1, b), b, after)
            multiply(a, matrix(theta, start + (n_in + 1) * n_out, n_out, after), z)

        # Backward.
        last = layers - 1
        start = weight_start(widths, last)
        n_in, n_out = widths[last], widths[last + 1]
        delta = matrix(deltas, output_start(widths, last, b), b, n_out)
        bias = theta[start + n_in * n_out : start + (n_in + 1) * n_out]
        if squared:
            squared_delta(z, bias, targets, rows, delta)
        else:
            softmax_delta(z, bias, targets, rows, delta)
        for layer in range(last, 0, -1):
            start = weight_start(widths, layer)
            n_in, n_out = widths[layer], widths[layer + 1]
            a = matrix(outputs, output_start(widths, layer - 1, b), b, n_in)
            column_sums(delta, grad[start + n_in * n_out : start + (n_in + 1) * n_out])
            multiply_transposed(a, delta, matrix(grad, start, n_in, n_out))
            below = matrix(deltas, output_start(widths, layer - 1, b), b, n_in)
            weights = matrix(transposed, 0, n_out, n_in)
            transpose(matrix(theta, start, n_in, n_out), weights)
            multiply(delta, weights, below)
            if mask_mode != NO_MASK:
                unit -= n_in
                masked_derivative(below, a, masks, unit, mask_row, shared, keep, code)
            else:
                times_derivative(below, a, code)
            delta = below
        column_sums(delta, grad[first : first + widths[1]])

        # Update. A sparse first layer is updated while its gradient is formed.
        t += 1
        lr = updates.learning_rate(hyper[0], hyper[1], hyper[2], t)
        weights = matrix(theta, 0, widths[0], widths[1])
        if not is_sparse:
            multiply_transposed(chosen[0], delta, matrix(grad, 0, widths[0], widths[1]))
        done = first if is_sparse else 0
        if algorithm == ADAM:
            rule = (lr, l2, l1, decoupled, hyper[5], hyper[6], hyper[7], t)
            if is_sparse:
                first_layer.adam(chosen, delta, scratch, moving, theta, m, v, rule)
            updates.adam(theta[done:], grad[done:], m[done:], v[done:], rule)
        else:
            if is_sparse:
                updates.decay(theta[:first], lr, l2, l1)
                first_layer.add_gradient(chosen, delta, scratch, np.float32(-lr), weights)
            updates.sgd(theta[done:], grad[done:], lr, l2, l1)
        if proximal:
            updates.soft_threshold(theta, lr * hyper[4])
    return t
