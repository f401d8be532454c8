"""The losses that are trained on, with the accuracy, in one pass over float32 outputs.

The engine compiles these functions (``core.engine.evaluation``): they make no copies of the outputs
in float64. The cross-entropy agrees with ``predictions.mean_nll`` up to rounding.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reglab.core.elementary import exp, log


def cross_entropy_and_accuracy(logits: Any, labels: Any) -> Any:
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
            mass += exp(np.float64(logits[row, k]) - top)
        total += log(mass) + top - np.float64(logits[row, labels[row]])
        if best == labels[row]:
            hits += 1
    return total / logits.shape[0], hits / logits.shape[0]


def squared_loss_and_accuracy(outputs: Any, labels: Any) -> Any:
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
