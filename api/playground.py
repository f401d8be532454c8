"""Two small nets trained side by side in the server while someone looks: with and without help.

Nothing is stored. The nets are trained by the engine that workers use, on the same data, from the
same start and with the same batches, so that what differs is what the regularizers do.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reglab.core import datasets, engine
from reglab.core.engine import Evaluation
from reglab.core.engine.random_streams import stream
from reglab.core.probes.boundary import Grid
from reglab.core.spec import BoundaryProbe, RunSpec

RESOLUTION = 64
EPOCHS = 6000
TEST_SIZE = 500
PADDING = 0.35
# Least time between two frames, and epochs to the next one as a share of those so far.
FRAME_SECONDS = 0.05
GROWTH = 0.02
HELP = ("l2", "l1", "dropout", "label_smoothing")


@dataclass(frozen=True)
class Settings:
    """What the sliders say; fields are those of a spec."""

    l2: float
    l1: float
    dropout: float
    label_smoothing: float
    noise: float
    label_flip: float
    train_size: int
    lr: float
    seed: int

    def spec(self, regularized: bool) -> RunSpec:
        """The spec of one of the nets."""
        helped = {name: getattr(self, name) for name in HELP} if regularized else {}
        return RunSpec.model_validate(
            {
                "dataset": {
                    "name": "two_moons",
                    "train_size": self.train_size,
                    "test_size": TEST_SIZE,
                    "noise": self.noise,
                    "label_flip": self.label_flip,
                },
                "model": {"hidden": [64, 64], "activation": "tanh"},
                "optimizer": {
                    "name": "sgd",
                    "schedule": {"lr": self.lr, "alpha": 1.0, "tau": 50_000.0},
                },
                "regularization": helped,
                "training": {"epochs": EPOCHS, "batch_size": 32, "eval_every": 1},
            }
        )


class Playground:
    """Trains both nets; ``frames`` is a blocking iterator, meant for a thread."""

    def __init__(self, settings: Settings) -> None:
        specs = [settings.spec(regularized) for regularized in (False, True)]
        self._data = datasets.load(specs[0].dataset, stream(settings.seed, "data"))
        self._trainers = [engine.Trainer(spec, self._data, settings.seed) for spec in specs]
        probe = BoundaryProbe(resolution=RESOLUTION, padding=PADDING)
        self._grid = Grid.around(self._data.x_train, probe)

    def scene(self) -> dict[str, Any]:
        """What stays: the training points, where the grid lies, how long it lasts."""
        return {
            "x": [float(self._grid.x[0]), float(self._grid.x[-1])],
            "y": [float(self._grid.y[0]), float(self._grid.y[-1])],
            "resolution": RESOLUTION,
            "epochs": EPOCHS,
            "points": np.round(self._data.x_train, 4).tolist(),
            "labels": self._data.y_train.tolist(),
        }

    def frames(self) -> Iterator[dict[str, Any]]:
        """A frame after 0, 1, 2, ... epochs, at first one by one, then after ever more of them."""
        walks = [iter(trainer) for trainer in self._trainers]
        epoch = target = 0
        while epoch <= EPOCHS:
            began = time.monotonic()
            last = [_advance(walk, target) for walk in walks]
            epoch = target
            yield self._frame(last)
            if epoch == EPOCHS:
                return
            target = min(EPOCHS, epoch + max(1, round(GROWTH * epoch)))
            time.sleep(max(0.0, FRAME_SECONDS - (time.monotonic() - began)))

    def _frame(self, last: list[Evaluation]) -> dict[str, Any]:
        nets = [
            {**asdict(evaluation), "grid": _bytes(self._grid.probability(trainer.network()))}
            for evaluation, trainer in zip(last, self._trainers, strict=True)
        ]
        return {"epoch": last[0].epoch, "plain": nets[0], "regularized": nets[1]}


def _advance(walk: Iterator[Evaluation], epoch: int) -> Evaluation:
    for evaluation in walk:
        if evaluation.epoch >= epoch:
            return evaluation
    raise AssertionError("unreachable: the last epoch is always evaluated")


def _bytes(probability: NDArray[np.float32]) -> str:
    """Probabilities as base64 of one byte each, row by row from the lowest y."""
    return base64.b64encode(np.round(255 * probability).astype(np.uint8).tobytes()).decode("ascii")
