"""Handwritten digits (LeCun, Bottou, Bengio and Haffner, 1998)."""

from __future__ import annotations

import numpy as np

from reglab.core.datasets import idx
from reglab.core.datasets.base import Dataset
from reglab.core.datasets.images import RawImages, build
from reglab.core.spec import Mnist

title = "MNIST"
source = "MNIST (LeCun and Cortes), IDX files"
licence = "CC BY-SA 3.0 (Yann LeCun and Corinna Cortes)"

FILES = idx.IdxSet(
    name="mnist",
    url="https://ossci-datasets.s3.amazonaws.com/mnist/",
    md5={
        "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    },
)


def check(spec: Mnist) -> None:
    """Raise DatasetUnavailableError if the files cannot be downloaded or hold too few images."""
    idx.check_sizes(FILES, spec.train_size, spec.test_size)


def digests(spec: Mnist) -> dict[str, str]:
    """Of the four IDX files."""
    return idx.digests(FILES)


def load(spec: Mnist, rng: np.random.Generator) -> Dataset:
    """Read, verify and scale the files."""
    check(spec)
    train_images, train_labels, train_sums = idx.read(FILES, "train")
    test_images, test_labels, test_sums = idx.read(FILES, "t10k")
    return build(
        spec,
        RawImages(train_images, train_labels, 255.0),
        RawImages(test_images, test_labels, 255.0),
        rng,
        idx.provenance(FILES, licence, train_sums | test_sums),
    )
