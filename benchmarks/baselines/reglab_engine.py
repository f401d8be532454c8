"""reglab's own engine, called as the other implementations are."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.workloads import Workload
from reglab.core.engine import Trainer


def prepare(workload: Workload) -> Callable[[int], None]:
    """A function that trains some epochs: random numbers included, evaluation not."""
    trainer = Trainer(workload.spec, workload.data, seed=0)

    def train(epochs: int) -> None:
        for _ in range(epochs):
            trainer.train_epoch()

    return train
