"""``python -m benchmarks.bits``: whether presets end with the same bits on every processor.

Trains the first and the last point of every preset's sweep, whole, once for each processor that can
be imitated here (``benchmarks.processors``), and prints digests of all parameters, evaluations and
arrays that are promised to be equal.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

from benchmarks import processors
from benchmarks.processors import TARGETS, Target
from benchmarks.timing import one_thread

if TYPE_CHECKING:
    from reglab.core.spec import RunSpec


def runs(presets: list[str]) -> Iterator[tuple[str, str]]:
    """Name and digest of each run, in this process."""
    from reglab.core import datasets
    from reglab.core.errors import DatasetUnavailableError
    from reglab.core.presets import PRESETS, build
    from reglab.core.spec import expand

    for name in presets or PRESETS:
        preset = PRESETS[name]
        laid = expand(preset.spec)
        try:
            datasets.check(laid[0].spec.dataset)
        except DatasetUnavailableError:
            laid = expand(build(name, {"dataset": {"name": preset.substitute}}))
        mine = [run for run in laid if run.seed == laid[0].seed]
        for run in {id(run): run for run in (mine[0], mine[-1])}.values():
            steps = f"{run.spec.optimizer.name} {run.spec.training.epochs} epochs"
            what = " ".join(f"{key}={value}" for key, value in run.params.items())
            yield f"{name}: {what or 'all'} ({steps})", digest_of(run.spec, run.seed)


def digest_of(spec: RunSpec, seed: int) -> str:
    """A digest of what a training ends with: parameters, evaluations and what probes measured.

    Arrays of probes that make use of eigenvectors are left out (``probes.depends_on_machine``).
    """
    import hashlib
    import json

    import numpy as np

    from reglab.core import datasets
    from reglab.core.engine import Trainer
    from reglab.core.engine.random_streams import stream
    from reglab.core.probes import Recorder, depends_on_machine

    trainer = Trainer(spec, datasets.load(spec.dataset, stream(seed, "data")), seed)
    recorder = Recorder(spec, trainer.data, seed)
    evaluations = []
    for evaluation in trainer:
        evaluations.append(evaluation.document())
        recorder.observe(evaluation.epoch, trainer.network())
    arrays, numbers = recorder.finish(trainer.network())
    digest = hashlib.sha256(json.dumps([evaluations, numbers]).encode())
    for name, array in sorted(arrays.items()):
        if not depends_on_machine(name):
            digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def of_target(target: Target | None, presets: list[str]) -> dict[str, str]:
    """Digests of a process that imitates a processor, by run."""
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.bits", "--here", *presets],
            env=processors.of_process(target, cache),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    return dict(line.split("\t") for line in done.stdout.splitlines())


def main() -> None:
    """Print the table; end with 1 if a digest differs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bits", description=__doc__)
    parser.add_argument("presets", nargs="*", metavar="preset", help="all, if none is named")
    parser.add_argument("--here", action="store_true", help="digests of this process alone")
    wanted = parser.parse_args()
    if wanted.here:
        for name, digest in runs(wanted.presets):
            print(name, digest, sep="\t", flush=True)
        return
    columns = {"this": of_target(None, wanted.presets)}
    for target in TARGETS:
        missing = target.missing()
        if missing:
            print(f"{target.name}: not run, as this processor lacks {', '.join(missing)}.")
        else:
            columns[target.name] = of_target(target, wanted.presets)
    print("| run |", " | ".join(columns), "|")
    print("|---|" + "---|" * len(columns))
    different = 0
    for name, digest in columns["this"].items():
        found = [column[name] for column in columns.values()]
        different += any(one != digest for one in found)
        print(f"| {name} |", " | ".join(one[:8] for one in found), "|", flush=True)
    print(f"{different} of {len(columns['this'])} runs differ between {len(columns)} processors.")
    sys.exit(different > 0)


if __name__ == "__main__":
    one_thread()
    main()
