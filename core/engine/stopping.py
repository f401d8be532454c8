"""Early stopping on a validation split (Morgan and Bourlard, 1990; Prechelt, 1998)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reglab.core.datasets.base import Dataset
from reglab.core.engine.random_streams import stream
from reglab.core.engine.records import Evaluation
from reglab.core.spec import EarlyStopping, RunSpec


def hold_out(data: Dataset, spec: RunSpec, seed: int) -> Dataset:
    """Move the spec's number of training examples, chosen by seed, to the validation part.

    A dataset that has a validation part, or a spec that asks for none, is left as it is.
    """
    count = spec.validation_count()
    if not count or data.x_validation is not None:
        return data
    order = stream(seed, "validation").permutation(len(data.y_train))
    held, kept = np.sort(order[:count]), np.sort(order[count:])
    return replace(
        data,
        x_train=data.x_train[kept],
        y_train=data.y_train[kept],
        x_validation=data.x_train[held],
        y_validation=data.y_train[held],
        provenance={**data.provenance, "validation_size": count},
    )


class Stopping:
    """Follows the validation loss of one training.

    An evaluation improves if its loss is below the lowest so far by more than ``min_delta``;
    after ``patience`` evaluations in a row that do not, training should end.

    Attributes:
        best: The evaluation of the last improvement.
        stopped: Whether patience has run out.
    """

    def __init__(self, wanted: EarlyStopping) -> None:
        self._wanted = wanted
        self._theta: NDArray[np.float32] | None = None
        self._waited = 0
        self.best: Evaluation | None = None
        self.stopped = False

    def see(self, evaluation: Evaluation, theta: NDArray[np.float32]) -> None:
        """Judge the next evaluation; ``theta`` (P,) are its parameters, copied if best."""
        assert evaluation.validation_loss is not None
        if self.best is None or self._improves(evaluation.validation_loss):
            self.best, self._theta, self._waited = evaluation, theta.copy(), 0
            return
        self._waited += 1
        self.stopped = self._waited >= self._wanted.patience

    def restored(self) -> NDArray[np.float32] | None:
        """Parameters to end with, or None to keep the last."""
        return self._theta if self._wanted.restore_best else None

    def summary(self, last: int) -> dict[str, Any]:
        """For the run's summary; ``last`` is the last trained epoch."""
        assert self.best is not None
        return {
            "stopped": self.stopped,
            "last_epoch": last,
            "best_epoch": self.best.epoch,
            "best_validation_loss": self.best.validation_loss,
            "restored": self._wanted.restore_best,
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The best parameters, for a checkpoint."""
        return {} if self._theta is None else {"best_theta": self._theta}

    def state(self) -> dict[str, Any]:
        """The rest of a checkpoint, as JSON."""
        best = self.best.document() if self.best else None
        return {"best": best, "waited": self._waited, "stopped": self.stopped}

    def restore(self, arrays: dict[str, NDArray[Any]], state: dict[str, Any]) -> None:
        """Go on from ``arrays`` and ``state``."""
        self._waited, self.stopped = state["waited"], state["stopped"]
        if state["best"]:
            self.best = Evaluation(**state["best"])
            self._theta = np.array(arrays["best_theta"], np.float32)

    def _improves(self, loss: float) -> bool:
        assert self.best is not None
        assert self.best.validation_loss is not None
        return loss < self.best.validation_loss - self._wanted.min_delta
