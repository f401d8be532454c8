"""Averages of the weights over time, evaluated beside them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reglab.core.engine.arrays import F32, I64
from reglab.core.engine.compiler import kernel
from reglab.core.engine.llvm_ir import fused
from reglab.core.engine.workspace import aligned
from reglab.core.spec import RunSpec
from reglab.core.spec.optimizer import EmaAverage, SwaAverage


class Ema(NamedTuple):
    """average <- average + (1 - decay) (theta - average), after each update.

    Attributes:
        decay: Share of the average that is kept.
        average: (P,) float32.
    """

    decay: float
    average: F32

    @kernel
    def after_update(self, theta: F32, widths: I64, lr: float) -> None:
        """Follow the parameters (P,), which stay as they are."""
        rest, average = np.float32(1.0 - self.decay), self.average
        for i in range(theta.shape[0]):
            average[i] = fused(rest, theta[i] - average[i], average[i])


class Averaging:
    """The average of one training: exponential over updates, or the mean over epochs.

    Args:
        spec: A spec with ``optimizer.average``.
        start: The initial parameters, (P,) float32.

    Attributes:
        theta: The average, (P,) float32.
    """

    def __init__(self, spec: RunSpec, start: F32) -> None:
        self._wanted = spec.optimizer.average
        self._epochs = spec.training.epochs
        self._count = 0
        self.theta = aligned(len(start))
        self.theta[:] = start

    def after_update(self) -> tuple[Ema, ...]:
        """The kernel that follows each update, if there is one."""
        wanted = self._wanted
        return (Ema(wanted.decay, self.theta),) if isinstance(wanted, EmaAverage) else ()

    def end_epoch(self, epoch: int, theta: F32) -> None:
        """Take the parameters after an epoch into the mean over epochs."""
        if not isinstance(self._wanted, SwaAverage):
            return
        if epoch <= self._wanted.start * self._epochs:
            self.theta[:] = theta
            return
        self._count += 1
        self.theta += (theta - self.theta) / np.float32(self._count)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The average, for a checkpoint."""
        return {"average": self.theta.copy()}

    def state(self) -> dict[str, Any]:
        """The rest of a checkpoint, as JSON."""
        return {"count": self._count}

    def restore(self, arrays: dict[str, NDArray[Any]], state: dict[str, Any]) -> None:
        """Go on from ``arrays`` and ``state``."""
        self.theta[:] = arrays["average"]
        self._count = state["count"]
