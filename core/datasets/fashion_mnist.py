"""Articles of clothing (Xiao, Rasul and Vollgraf, 2017)."""

from __future__ import annotations

import numpy as np

from reglab.core.datasets import idx
from reglab.core.datasets.base import Dataset
from reglab.core.datasets.images import RawImages, build
from reglab.core.spec import FashionMnist

title = "Fashion-MNIST"
source = "Fashion-MNIST (Zalando), IDX files"
licence = "MIT (Zalando SE)"
FILES = idx.IdxSet(
    name="fashion_mnist",
    url="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    md5={
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    },
)


def check(spec: FashionMnist) -> None:
    """Raise DatasetUnavailableError if the files cannot be downloaded or hold too few images."""
    idx.check_sizes(FILES, spec.train_size, spec.test_size)


def digests(spec: FashionMnist) -> dict[str, str]:
    """Of the four IDX files."""
    return idx.digests(FILES)


def load(spec: FashionMnist, rng: np.random.Generator) -> Dataset:
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
