"""Temperature scaling (Guo, Pleiss, Sun and Weinberger, 2017): softmax(z / T) with one fitted T."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from reglab.core.datasets.base import Dataset
from reglab.core.engine import Network
from reglab.core.probes.base import Arrays, FinalProbe, Stored
from reglab.core.probes.calibration import errors
from reglab.core.probes.predictions import as_labels
from reglab.core.spec import CalibrationProbe, RunSpec

# T is searched from exp(-6) to exp(6): beyond, a network is constant or says 0 and 1 only.
LOG_RANGE = (-6.0, 6.0)


def nll(logits: NDArray[Any], labels: NDArray[np.int64], temperature: float = 1.0) -> float:
    """Mean -log p of the labels (N,) under softmax(logits (N, K) / T), nats."""
    log_p = log_softmax(logits.astype(np.float64) / temperature, axis=1)
    return float(-np.mean(log_p[np.arange(len(labels)), labels]))


def fit_temperature(logits: NDArray[Any], labels: NDArray[np.int64]) -> float:
    """The T > 0 of least NLL on logits (N, K) and labels (N,), which must not be those of a test.

    The NLL is convex in 1 / T, so that in log T it has one minimum; where the labels can be fitted
    without error or not at all, the end of the range is returned.
    """
    found = minimize_scalar(
        lambda log_t: nll(logits, labels, float(np.exp(log_t))),
        bounds=LOG_RANGE,
        method="bounded",
        options={"xatol": 1e-8},
    )
    return float(np.exp(found.x))


class Temperature(FinalProbe):
    """Stores validation.logits and validation.labels; fits T on them and measures on the test set.

    The summary gains ``temperature``: ``value`` (T), ``validation_nll`` before and after, and
    ``test``, the calibration errors of the scaled test logits.
    """

    stores: ClassVar[tuple[Stored, ...]] = (
        Stored({"validation.logits": ("V", "K"), "validation.labels": ("V",)}),
    )

    @classmethod
    def of(cls, spec: RunSpec, data: Dataset, seed: int) -> Self | None:
        """On where the spec has a temperature probe."""
        return cls(spec, data, seed) if spec.probes.temperature else None

    def finish(self, network: Network) -> tuple[Arrays, dict[str, Any]]:
        """The validation part's logits, and what T makes of the test set."""
        x, labels = self.data.x_validation, self.data.y_validation
        assert x is not None
        assert labels is not None
        logits = network.logits(x)
        value = fit_temperature(logits, labels)
        wanted = self.spec.probes.calibration or CalibrationProbe()
        scaled = (network.logits(self.data.x_test) / value).astype(np.float32)
        found = {
            "value": value,
            "validation_nll": [nll(logits, labels), nll(logits, labels, value)],
            "test": asdict(errors(scaled, self.data.y_test, wanted.bins, wanted.binning)),
        }
        arrays: Arrays = {
            "validation.logits": logits,
            "validation.labels": as_labels(labels),
        }
        return arrays, {"temperature": found}
