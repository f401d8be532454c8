"""Monte Carlo dropout (Gal and Ghahramani, 2016): predictions averaged with dropout left on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from reglab.core.datasets.base import Dataset
from reglab.core.engine import Network
from reglab.core.probes.base import Arrays, FinalProbe, Stored
from reglab.core.probes.calibration import expected_error, reliability
from reglab.core.spec import Binning, CalibrationProbe, RunSpec

Floats = NDArray[np.float64]
METRICS = ("accuracy", "nll", "ece")
# Of probabilities that round to zero: the log of the least positive float32.
SMALLEST = 1e-38


def scores(
    probabilities: Floats, labels: NDArray[np.int64], bins: int = 15, binning: Binning = "quantile"
) -> tuple[float, float, float]:
    """Accuracy, mean negative log-likelihood (nats) and ECE of p (N, K) against labels (N,)."""
    right = (probabilities.argmax(axis=1) == labels).astype(np.float64)
    chosen = np.maximum(probabilities[np.arange(len(labels)), labels], SMALLEST)
    table = reliability(probabilities.max(axis=1), right, bins, binning)
    return float(right.mean()), float(-np.log(chosen).mean()), expected_error(table)


def scores_by_size(
    members: Iterable[Floats],
    labels: NDArray[np.int64],
    bins: int = 15,
    binning: Binning = "quantile",
) -> Floats:
    """Row m: ``scores`` of the mean of the first m + 1 members' probabilities (N, K); (M, 3)."""
    total: Floats | float = 0.0
    rows = []
    for size, member in enumerate(members, start=1):
        total = total + member
        rows.append(scores(total / size, labels, bins, binning))
    return np.array(rows, np.float64)


class McDropout(FinalProbe):
    """Stores mc_dropout.scores (samples, 3): accuracy, NLL and ECE by number of averaged networks.

    The networks are those of the streams ``probe:dropout:<k>``: one mask of units for all inputs.
    """

    stores: ClassVar[tuple[Stored, ...]] = (
        Stored({"mc_dropout.scores": ("samples", 3)}, nan=frozenset({"mc_dropout.scores"})),
    )

    @classmethod
    def of(cls, spec: RunSpec, data: Dataset, seed: int) -> Self | None:
        """On where the spec has the probe and the run trained with dropout."""
        wanted = spec.probes.mc_dropout and spec.regularization.dropout
        return cls(spec, data, seed) if wanted else None

    def finish(self, network: Network) -> tuple[Arrays, dict[str, Any]]:
        """Scores on the test set, the last also in the summary."""
        probe = self.spec.probes.mc_dropout
        assert probe is not None
        p = self.spec.regularization.dropout
        wanted = self.spec.probes.calibration or CalibrationProbe()
        members = (
            network.dropout_probabilities(self.data.x_test, p, self.seed, instance)
            for instance in range(probe.samples)
        )
        found = scores_by_size(members, self.data.y_test, wanted.bins, wanted.binning)
        last = dict(zip(METRICS, found[-1].tolist(), strict=True))
        return {"mc_dropout.scores": found}, {"mc_dropout": {"samples": probe.samples, **last}}
