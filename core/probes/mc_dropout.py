"""Monte Carlo dropout (Gal and Ghahramani, 2016): predictions averaged with dropout left on."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from reglab.core.datasets.base import Dataset
from reglab.core.engine import Network
from reglab.core.metrics.averages import SCORES, scores_by_size
from reglab.core.probes.base import Arrays, FinalProbe, Stored
from reglab.core.spec import RunSpec


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
        wanted = self.spec.probes.binning
        members = (
            network.dropout_probabilities(self.data.x_test, p, self.seed, instance)
            for instance in range(probe.samples)
        )
        found = scores_by_size(members, self.data.y_test, wanted.bins, wanted.binning)
        last = dict(zip(SCORES, found[-1].tolist(), strict=True))
        return {"mc_dropout.scores": found}, {"mc_dropout": {"samples": probe.samples, **last}}
