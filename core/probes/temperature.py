"""Temperature scaling: one number, fitted on held-out examples, divides the logits."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar, Self

from reglab.core.datasets.base import Dataset
from reglab.core.engine import Network
from reglab.core.metrics.calibration import errors
from reglab.core.metrics.predictions import mean_nll
from reglab.core.metrics.temperature import fit_temperature, scaled, warnings_of
from reglab.core.probes.base import Arrays, FinalProbe, Stored
from reglab.core.probes.predictions import as_labels
from reglab.core.spec import RunSpec


class Temperature(FinalProbe):
    """Stores validation.logits and validation.labels; fits T on them and measures on the test set.

    The summary gains ``temperature``: ``value`` (T), ``warnings`` about the fit,
    ``validation_nll`` before and after, and ``test``, the calibration errors of the scaled test
    logits.
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
        wanted = self.spec.probes.binning
        test = scaled(network.logits(self.data.x_test), value)
        found = {
            "value": value,
            "warnings": warnings_of(logits, labels),
            "validation_nll": [mean_nll(logits, labels), mean_nll(logits, labels, value)],
            "test": asdict(errors(test, self.data.y_test, wanted.bins, wanted.binning)),
        }
        arrays: Arrays = {
            "validation.logits": logits,
            "validation.labels": as_labels(labels),
        }
        return arrays, {"temperature": found}
