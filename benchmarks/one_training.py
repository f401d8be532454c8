"""``python -m benchmarks.one_training '{"train_size": 500}'``: prints seconds per step and MiB."""

from __future__ import annotations

import json
import os
import resource
import sys
import time

from benchmarks.timing import one_thread

one_thread()

from reglab.core import datasets
from reglab.core.engine import Trainer
from reglab.core.engine.random_streams import stream
from reglab.core.presets import build
from reglab.core.spec import expand

SECONDS = 0.15


def main() -> None:
    """Train the l2 preset's network, or another width or training size, for a moment."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    changes = json.loads(sys.argv[1])
    renamed = {"hidden": "model.hidden", "train_size": "dataset.train_size"}
    overrides = {renamed[name]: value for name, value in changes.items()}
    spec = expand(build("l2", {"sweep": {}, **overrides}))[0].spec
    data = datasets.load(spec.dataset, stream(0, "data"))
    trainer = Trainer(spec, data, seed=0)
    trainer.train_epoch()
    best = float("inf")
    for _ in range(3):
        began, epochs = time.perf_counter(), 0
        while time.perf_counter() - began < SECONDS:
            trainer.train_epoch()
            epochs += 1
        best = min(best, (time.perf_counter() - began) / epochs)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": best, "mib": peak}))


if __name__ == "__main__":
    main()
