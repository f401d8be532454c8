"""Class probabilities of logits, and how each example was answered."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reglab.core.elementary import exp, log

Floats = NDArray[np.float64]


def probabilities(logits: NDArray[Any]) -> Floats:
    """Softmax of logits (N, K)."""
    mass = exp(_below_the_top(logits, 1.0))
    return np.asarray(mass / mass.sum(axis=1, keepdims=True))


def log_probabilities(logits: NDArray[Any], temperature: float = 1.0) -> Floats:
    """Log of the softmax of logits (N, K) / T, also where a probability rounds to zero."""
    below = _below_the_top(logits, temperature)
    return np.asarray(below - log(exp(below).sum(axis=1, keepdims=True)))


def _below_the_top(logits: NDArray[Any], temperature: float) -> Floats:
    """Logits (N, K) / T, moved so that the largest of each row is 0."""
    scaled = logits.astype(np.float64) / temperature
    return np.asarray(scaled - scaled.max(axis=1, keepdims=True))


def is_right(outputs: NDArray[Any], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the largest of outputs (N, K) is that of the label, (N,)."""
    return np.asarray(np.argmax(outputs, axis=1) == labels)


def accuracy(outputs: NDArray[Any], labels: NDArray[np.int64]) -> float:
    """Share of right answers."""
    return float(is_right(outputs, labels).mean())


def top_label(logits: NDArray[Any], labels: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Confidence max_k p_k, and 1.0 where the answer is right; both (N,)."""
    confidence = exp(log_probabilities(logits).max(axis=1))
    return confidence, is_right(logits, labels).astype(np.float64)


def of_labels(table: Floats, labels: NDArray[np.int64]) -> Floats:
    """The entry (N,) of each row of a table (N, K) that belongs to its label."""
    return np.asarray(table[np.arange(len(labels)), labels])


def nll(
    logits: NDArray[Any], labels: NDArray[np.int64], temperature: float = 1.0
) -> NDArray[np.float64]:
    """-log p of each label (N,) under softmax(logits (N, K) / T), nats."""
    return -of_labels(log_probabilities(logits, temperature), labels)


def mean_nll(logits: NDArray[Any], labels: NDArray[np.int64], temperature: float = 1.0) -> float:
    """Mean of ``nll``."""
    return float(nll(logits, labels, temperature).mean())


def mean_squared(outputs: NDArray[Any], labels: NDArray[np.int64]) -> float:
    """Mean over examples of |z - y|^2 / 2, outputs z (N, K) and one-hot labels y."""
    wanted = np.eye(outputs.shape[1])[labels]
    return float(0.5 * np.sum((outputs - wanted) ** 2, axis=1).mean())
