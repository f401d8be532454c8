"""Temperature scaling (Guo, Pleiss, Sun and Weinberger, 2017): softmax(z / T) with one fitted T."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from reglab.core.elementary import exp
from reglab.core.metrics.predictions import mean_nll, of_labels

# T is searched from exp(-6) to exp(6), and where it is at an end, from there on as far again as
# float64 tells temperatures apart.
LOG_RANGE = (-6.0, 6.0)
FAR = 36.0
AT_END = 1e-3
# Of so many examples with a tenth of errors, log T has a standard error of about 0.2.
FEW_EXAMPLES = 100


def fit_temperature(logits: NDArray[Any], labels: NDArray[np.int64]) -> float:
    """The T > 0 of least NLL on logits (N, K) and labels (N,), which must not be those of a test.

    The NLL is convex in 1 / T, so that in log T it has one minimum. There is none where every label
    has the largest logit (the smaller T the better) and where the labels' logits are on average not
    above the mean logit (the larger the better): then T is far out, and ``warnings_of`` says so.
    """
    found = _least(logits, labels, LOG_RANGE)
    low, high = LOG_RANGE
    if found > high - AT_END:
        found = _least(logits, labels, (high, FAR))
    elif found < low + AT_END:
        found = _least(logits, labels, (-FAR, low))
    return float(exp(found))


def _least(
    logits: NDArray[Any], labels: NDArray[np.int64], log_range: tuple[float, float]
) -> float:
    """log T of least NLL within a range."""
    found = minimize_scalar(
        lambda log_t: mean_nll(logits, labels, float(exp(log_t))),
        bounds=log_range,
        method="bounded",
        options={"xatol": 1e-8},
    )
    return float(found.x)


def warnings_of(logits: NDArray[Any], labels: NDArray[np.int64]) -> list[str]:
    """What a reader of a temperature that was fitted on these logits should know."""
    found = []
    exact = logits.astype(np.float64)
    of_label = of_labels(exact, labels)
    if (of_label >= exact.max(axis=1)).all():
        found.append(
            "The likelihood has no maximum: every answer is right, and the smaller the temperature "
            "the better it fits."
        )
    elif (of_label - exact.mean(axis=1)).mean() <= 0:
        found.append(
            "The likelihood has no maximum: the labels' logits are on average not above the "
            "others, and the larger the temperature the better it fits."
        )
    if len(labels) < FEW_EXAMPLES:
        found.append(
            f"The temperature was fitted on {len(labels)} examples; with fewer than "
            f"{FEW_EXAMPLES} it varies much from one validation split to another."
        )
    return found


def scaled(logits: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Logits (N, K) / T in float32, as they are stored."""
    return (logits / temperature).astype(np.float32)
