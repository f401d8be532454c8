"""Derivatives of the losses by the outputs of the last layer."""

from __future__ import annotations

import numpy as np

from reglab.core.elementary import exp, log
from reglab.core.engine import compiled_elementary  # noqa: F401 # so that exp and log compile
from reglab.core.engine.arrays import F32, I64
from reglab.core.engine.compiler import kernel
from reglab.core.engine.exponential import exp_of_negative


@kernel
def softmax_delta(logits: F32, bias: F32, targets: F32, rows: I64, delta: F32) -> None:
    """delta (B, K) <- (softmax(logits + bias) - targets[rows]) / B; targets sum to 1 per row.

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
            delta[row, k] = exp_of_negative(logits[row, k] + bias[k] - top)
        for k in range(classes):
            total += delta[row, k]
        others = np.float32(0)
        for k in range(classes):
            if k != best:
                delta[row, k] = (delta[row, k] / total - targets[rows[row], k]) * scale
                others += delta[row, k]
        delta[row, best] = -others


@kernel
def add_confidence_penalty(logits: F32, bias: F32, strength: float, delta: F32) -> None:
    """delta (B, K) += strength p (log p + H) / B: of the mean of -strength H, H the entropy of p.

    p is the softmax of logits + bias.
    """
    scale = strength / logits.shape[0]
    classes = logits.shape[1]
    for row in range(logits.shape[0]):
        top = logits[row, 0] + bias[0]
        for k in range(1, classes):
            top = max(top, logits[row, k] + bias[k])
        total = entropy = 0.0
        for k in range(classes):
            total += exp(np.float64(logits[row, k] + bias[k] - top))
        rest = log(total)
        for k in range(classes):
            log_p = np.float64(logits[row, k] + bias[k] - top) - rest
            entropy -= exp(log_p) * log_p
        for k in range(classes):
            log_p = np.float64(logits[row, k] + bias[k] - top) - rest
            delta[row, k] += np.float32(scale * exp(log_p) * (log_p + entropy))


@kernel
def squared_delta(outputs: F32, bias: F32, targets: F32, rows: I64, delta: F32) -> None:
    """delta (B, K) <- (outputs + bias - targets[rows]) / B: of the mean of |z - y|^2 / 2."""
    scale = np.float32(1.0 / outputs.shape[0])
    for row in range(outputs.shape[0]):
        for k in range(outputs.shape[1]):
            delta[row, k] = (outputs[row, k] + bias[k] - targets[rows[row], k]) * scale
