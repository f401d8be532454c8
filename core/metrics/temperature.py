"""Temperature scaling (Guo, Pleiss, Sun and Weinberger, 2017): softmax(z / T) with one fitted T."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from reglab.core.metrics.predictions import mean_nll

# T is searched from exp(-6) to exp(6): beyond, a network is constant or says 0 and 1 only.
LOG_RANGE = (-6.0, 6.0)
# Differences of the mean NLL that are no reason to prefer a temperature, in nats.
FLAT = 1e-6
# Of so many examples with a tenth of errors, log T has a standard error of about 0.2.
FEW_EXAMPLES = 100


def fit_temperature(logits: NDArray[Any], labels: NDArray[np.int64]) -> float:
    """The T > 0 of least NLL on logits (N, K) and labels (N,), which must not be those of a test.

    The NLL is convex in 1 / T, so that in log T it has one minimum; where the labels can be fitted
    without error or not at all, the end of the range is returned.
    """
    found = minimize_scalar(
        lambda log_t: mean_nll(logits, labels, float(np.exp(log_t))),
        bounds=LOG_RANGE,
        method="bounded",
        options={"xatol": 1e-8},
    )
    return float(np.exp(found.x))


def warnings_of(temperature: float, logits: NDArray[Any], labels: NDArray[np.int64]) -> list[str]:
    """What a reader of a temperature that was fitted on these logits should know."""
    found = []
    least = mean_nll(logits, labels, temperature)
    low, high = (float(end) for end in np.exp(LOG_RANGE))
    if mean_nll(logits, labels, low) <= least + FLAT:
        found.append(
            f"The likelihood has no maximum: temperatures down to {low:.3g}, the lower end of the "
            "search, fit as well, as every answer is right."
        )
    if mean_nll(logits, labels, high) <= least + FLAT:
        found.append(
            f"The likelihood has no maximum: temperatures up to {high:.3g}, the upper end of the "
            "search, fit as well, as the answers are no better than chance."
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
