"""The results of one run as plain arrays: what probes, figures, endpoints and claims read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reglab.core.spec import At, RunSpec


@dataclass(frozen=True)
class RunResult:
    """One finished (or still running) run.

    Attributes:
        run_id: Identifier, a UUIDv7 string.
        index: Position in its experiment.
        params: The sweep's values of this run, by dotted path.
        seed: The run's seed.
        spec: The resolved spec.
        curves: One (T,) array for each of ``CURVE_COLUMNS``, and of those of
            ``FURTHER_COLUMNS`` that the run has: of a validation split, of averaged weights.
        arrays: Named result arrays (see docs/architecture.md); may load lazily.
        summary: JSON summary of the finished run; empty while it runs.
        state: The run's state.
    """

    run_id: str
    index: int
    params: dict[str, Any]
    seed: int
    spec: RunSpec
    curves: Mapping[str, NDArray[Any]]
    arrays: Mapping[str, NDArray[Any]]
    summary: dict[str, Any] = field(default_factory=dict)
    state: str = "succeeded"

    @cached_property
    def fields(self) -> dict[str, Any]:
        """The spec's values by dotted path, without those of probes that only look."""
        document = self.spec.model_dump(mode="json")
        probes = document.pop("probes")
        held_out = (probes["temperature"] or {}).get("validation_size")
        return flat(document) | {"probes.temperature.validation_size": held_out}

    def ending(self, metric: str, at: At = "kept") -> float:
        """A metric of the curves at the end.

        Args:
            metric: A column.
            at: Of the network that was kept, as early stopping may restore an earlier one, or of
                the last evaluation.
        """
        final = self.summary.get("final", {})
        if at == "kept" and final.get(metric) is not None:
            return float(final[metric])
        return float(self.curves[metric][-1])

    def labels(self) -> NDArray[np.int64]:
        """Test labels, (N_test,) int64."""
        return np.asarray(self.arrays["test.labels"], dtype=np.int64)

    def logits(self) -> NDArray[np.float32]:
        """Test logits, (N_test, K) float32."""
        return np.asarray(self.arrays["test.logits"], dtype=np.float32)

    def validation(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Logits (V, K) float32 and labels (V,) int64 of the examples that were held out."""
        labels = np.asarray(self.arrays["validation.labels"], dtype=np.int64)
        return np.asarray(self.arrays["validation.logits"], dtype=np.float32), labels

    def weights(self) -> list[NDArray[np.float32]]:
        """The trained weight matrices, (n_in, n_out) each."""
        return [self.arrays[f"param.W{layer}"] for layer in range(len(self.spec.widths()) - 1)]


def flat(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The leaves of a JSON object by dotted path; an empty object is a leaf."""
    found: dict[str, Any] = {}
    for name, value in document.items():
        if isinstance(value, Mapping) and value:
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found
