"""The small handwritten digits of scikit-learn."""

from __future__ import annotations

import functools
import gzip
from importlib.resources import files

import numpy as np

from reglab.core.datasets.base import Dataset
from reglab.core.datasets.images import RawImages, build, split
from reglab.core.datasets.splits import check_split
from reglab.core.spec import Digits

title = "Digits, 8 x 8"
source = "scikit-learn's load_digits (UCI optical recognition of handwritten digits, test part)"
licence = "CC BY 4.0"
TOTAL = 1797


def check(spec: Digits) -> None:
    """The images are always at hand; training and test parts must not overlap."""
    check_split(spec, TOTAL)


def digests(spec: Digits) -> dict[str, str]:
    """None: the images are part of this package."""
    return {}


def load(spec: Digits, rng: np.random.Generator) -> Dataset:
    """Split in one fixed shuffled order; ``rng`` matters for ``sampling='random'`` only."""
    check(spec)
    train, test = split(_read(), TOTAL - spec.test_size)
    provenance = {"source": source, "licence": licence, "files": {}}
    return build(spec, train, test, rng, provenance)


@functools.cache
def _read() -> RawImages:
    packed = files("reglab.core.datasets").joinpath("data", "digits.csv.gz").read_bytes()
    table = np.loadtxt(gzip.decompress(packed).decode().splitlines(), delimiter=",", dtype=np.int64)
    return RawImages(table[:, :-1].astype(np.uint8), table[:, -1], 16.0)
