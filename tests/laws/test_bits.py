"""Equal specs and seeds give equal bits: compiled or loaded, and on every processor.

The laws train short specs of every method in processes of their own. ``make bits`` does the same
with whole presets and more processors.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from benchmarks.bits import digest_of
from benchmarks.processors import TARGETS, Target, of_process
from reglab.core.spec import RunSpec

COUNT = 60
TREE = Path(__file__).parents[2]
OLDEST = TARGETS[0]


def random_spec(choose: Random) -> RunSpec:
    """A short training with any of the methods."""
    images = choose.random() < 0.5
    regularization: dict[str, Any] = {
        "l2": choose.choice([0, 0.01]),
        "l1": choose.choice([0, 0, 0.001]),
        "l1_method": choose.choice(["subgradient", "proximal"]),
        "label_smoothing": choose.choice([0, 0.1]),
    }
    hidden = choose.choice([[], [9], [64, 64], [17, 5]])
    if hidden:
        regularization["dropout"] = choose.choice([0, 0.3])
        regularization["dropout_mask"] = choose.choice(["batch", "example"])
    names = ["gaussian_noise", "mixup"]
    if images:
        names += ["shift", "rotation", "scaling", "elastic", "cutout"]
    regularization["augmentation"] = choose.choice([None, *names])
    loss = choose.choice(["cross_entropy", "squared"])
    if loss == "cross_entropy":
        regularization["confidence_penalty"] = choose.choice([0, 0.1])
    schedule = choose.choice(
        [
            {"name": "power", "alpha": choose.choice([0, 0.5]), "tau": 20},
            {"name": "cosine", "warmup": 3},
            {"name": "step", "every": 2, "factor": 0.7},
        ]
    )
    digits = {"name": "digits", "train_size": 80, "test_size": 40}
    digits["centred"] = choose.random() < 0.3
    moons = {"name": "two_moons", "train_size": 50, "test_size": 30}
    return RunSpec.model_validate(
        {
            "dataset": digits if images else moons,
            "model": {
                "hidden": hidden,
                "activation": choose.choice(["tanh", "relu", "identity", "sigmoid", "gelu"]),
                "init": choose.choice(["lecun_normal", "he_uniform", "torch"]),
                "loss": loss,
            },
            "optimizer": {
                "name": choose.choice(["sgd", "adam"]),
                "schedule": {"lr": 0.03, **schedule},
                "decoupled": choose.random() < 0.5,
            },
            "regularization": regularization,
            "training": {"epochs": 3, "batch_size": choose.choice([7, 32])},
            "probes": some_probes(loss, regularization, has_hidden=bool(hidden), plane=not images),
        }
    )


def some_probes(
    loss: str, regularization: dict[str, Any], has_hidden: bool, plane: bool
) -> dict[str, Any]:
    """All that fit but those of eigenvectors."""
    probes: dict[str, Any] = {"calibration": None, "weights": {}}
    dropout = bool(regularization.get("dropout"))
    if loss == "cross_entropy":
        probes |= {"calibration": {"bins": 5}, "temperature": {"validation_size": 12}}
        probes["mc_dropout"] = {"samples": 2} if dropout else None
    if has_hidden:
        probes["norms"] = {}
    if plane:
        probes["boundary"] = {"resolution": 8, "dropout_instances": int(dropout)}
    return probes


# Whatever has kernels of its own, in two trainings.
OWN_KERNELS = [
    {
        "dataset": {"name": "digits", "train_size": 80, "test_size": 40},
        "model": {"hidden": [17, 5], "activation": "leaky_relu"},
        "optimizer": {
            "name": "sgd",
            "momentum": 0.9,
            "nesterov": True,
            "schedule": {"lr": 0.05},
            "clip_norm": 0.5,
            "sam": {"rho": 0.1},
        },
        "regularization": {"l2": 0.01, "decay_biases": False},
        "training": {"epochs": 3, "batch_size": 32},
    },
    {
        "dataset": {"name": "two_moons", "train_size": 50, "test_size": 30},
        "optimizer": {
            "name": "rmsprop",
            "momentum": 0.5,
            "schedule": {"lr": 0.01},
            "average": {"name": "ema", "decay": 0.9},
        },
        "regularization": {"max_norm": 0.5, "dropout_input": 0.2},
        "training": {"epochs": 3, "batch_size": 7},
    },
]


def spec_of(seed: int) -> RunSpec:
    """A random one, or from ``COUNT`` on one with kernels of its own."""
    if seed >= COUNT:
        return RunSpec.model_validate(OWN_KERNELS[seed - COUNT])
    return random_spec(Random(seed))


def is_in_few_kernels(spec: RunSpec) -> bool:
    """Whether it is of the two kinds of epochs, of four, that the slower law compiles."""
    decay, is_adam = spec.regularization, spec.optimizer.name == "adam"
    return is_adam != bool(decay.l1 and decay.l1_method == "proximal")


SEEDS = range(COUNT + len(OWN_KERNELS))
FEW = [seed for seed in SEEDS if seed >= COUNT or is_in_few_kernels(spec_of(seed))]


def digests_of_a_process(
    cache: Path, seeds: Sequence[int] = SEEDS, target: Target | None = None
) -> dict[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.laws.test_bits", *map(str, seeds)],
        cwd=TREE,
        env=of_process(target, str(cache)),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return dict(zip(seeds, done.stdout.split(), strict=True))


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("kernels")


@pytest.fixture(scope="module")
def compiled(cache):
    """Digests of this processor, in the process that compiled the kernels."""
    found = digests_of_a_process(cache)
    assert len(set(found.values())) > COUNT / 2
    return found


def different(compiled: dict[int, str], others: dict[int, str]) -> list[str]:
    return [str(spec_of(k)) for k, other in others.items() if compiled[k] != other]


def test_bits_do_not_depend_on_whether_kernels_were_compiled_or_loaded(compiled, cache):
    assert not different(compiled, digests_of_a_process(cache))


def test_bits_do_not_depend_on_the_processor(compiled, tmp_path):
    """Narrow vectors, and NumPy, BLAS and the C library without what this processor can do."""
    missing = OLDEST.missing()
    if missing:
        pytest.skip(f"This processor lacks {', '.join(missing)}.")
    assert not different(compiled, digests_of_a_process(tmp_path, FEW, OLDEST))


if __name__ == "__main__":
    for seed in sys.argv[1:]:
        print(digest_of(spec_of(int(seed)), 0))
