"""Where each layer's parameters and outputs are in their flat vectors.

Parameters are one flat float32 vector [W0, b0, W1, b1, ...], W_l of shape (n_in, n_out) in C order,
so that an optimizer is one pass over memory. The outputs of all layers for a batch share a flat
workspace in the same manner. ``widths`` are the layer widths from input to output, (L + 1,).
"""

from __future__ import annotations

from reglab.core.engine.arrays import F32, I64
from reglab.core.engine.compiler import inlined, kernel


@inlined
def matrix(flat: F32, start: int, rows: int, columns: int) -> F32:
    """A (rows, columns) view into a flat vector."""
    return flat[start : start + rows * columns].reshape(rows, columns)


@kernel
def weight_start(widths: I64, layer: int) -> int:
    """Where W_layer begins in the flat parameter vector; its bias follows it."""
    start = 0
    for below in range(layer):
        start += (widths[below] + 1) * widths[below + 1]
    return start


@kernel
def output_start(widths: I64, layer: int, batch: int) -> int:
    """Where the output of ``layer`` begins in a workspace for ``batch`` rows."""
    start = 0
    for below in range(layer):
        start += batch * widths[below + 1]
    return start


@inlined
def weights_of(flat: F32, widths: I64, layer: int) -> F32:
    """W_layer (n_in, n_out), a view into a vector laid out as the parameters are."""
    return matrix(flat, weight_start(widths, layer), widths[layer], widths[layer + 1])


@inlined
def bias_of(flat: F32, widths: I64, layer: int) -> F32:
    """b_layer (n_out,), a view into a vector laid out as the parameters are."""
    start = weight_start(widths, layer) + widths[layer] * widths[layer + 1]
    return flat[start : start + widths[layer + 1]]


@inlined
def outputs_of(flat: F32, widths: I64, layer: int, batch: int) -> F32:
    """The outputs (batch, n_out) of a layer, a view into a workspace."""
    return matrix(flat, output_start(widths, layer, batch), batch, widths[layer + 1])
