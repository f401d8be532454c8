"""Weight matrices: how sparse and how large."""

from __future__ import annotations

from typing import Any, Self

from reglab.core.datasets.base import Dataset
from reglab.core.engine import Network
from reglab.core.metrics.weights import summarize
from reglab.core.probes.base import Arrays, FinalProbe
from reglab.core.spec import RunSpec


class Weights(FinalProbe):
    """Numbers about every matrix; the matrices themselves are stored as param.*."""

    @classmethod
    def of(cls, spec: RunSpec, data: Dataset, seed: int) -> Self | None:
        """On where the spec has a weights probe."""
        return cls(spec, data, seed) if spec.probes.weights else None

    def finish(self, network: Network) -> tuple[Arrays, dict[str, Any]]:
        """Sparsity, norm and largest entry by matrix."""
        probe = self.spec.probes.weights
        assert probe is not None
        rows = [vars(summarize(w, k, probe.threshold)) for k, w in enumerate(network.weights)]
        return {}, {"weights": [row | {"shape": list(row["shape"])} for row in rows]}
