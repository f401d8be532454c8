"""The trained parameters and the logits on the test set; with them all else can be computed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from reglab.core.datasets.base import Dataset
from reglab.core.datasets.identity_key import IdentityKey
from reglab.core.engine import Network
from reglab.core.metrics.calibration import errors
from reglab.core.probes.base import Arrays, FinalProbe, Stored
from reglab.core.spec import RunSpec


def as_labels(labels: NDArray[np.int64]) -> NDArray[Any]:
    """Labels (N,) in the least of uint8 and uint16 that holds them."""
    return labels.astype(np.uint8 if labels.max(initial=0) < 256 else np.uint16)


class Predictions(FinalProbe):
    """Stores param.*, test.logits, test.labels, and for data in the plane the training points."""

    stores: ClassVar[tuple[Stored, ...]] = (
        Stored({"test.logits": ("test", "K"), "test.labels": ("test",)}, always=True),
        Stored({"train.points": ("train", 2), "train.labels": ("train",)}),
    )

    @classmethod
    def of(cls, spec: RunSpec, data: Dataset, seed: int) -> Self:
        """Always on."""
        return cls(spec, data, seed)

    def finish(self, network: Network) -> tuple[Arrays, dict[str, Any]]:
        """Arrays as above; calibration errors if the calibration probe is on."""
        from reglab.core.engine.packed import pack_once

        arrays: Arrays = dict(network.arrays())
        arrays["test.logits"] = network.logits(pack_once(IdentityKey(self.data.x_test)))
        arrays["test.labels"] = as_labels(self.data.y_test)
        if self.data.x_train.shape[1] == 2:
            arrays["train.points"] = self.data.x_train
            arrays["train.labels"] = as_labels(self.data.y_train)
        wanted = self.spec.probes.calibration
        if wanted is None:
            return arrays, {}
        found = errors(arrays["test.logits"], self.data.y_test, wanted.bins, wanted.binning)
        return arrays, {"calibration": asdict(found), "ece": found.ece}
