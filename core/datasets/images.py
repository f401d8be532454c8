"""From raw pixels and labels to a Dataset: scaling, choice of training images, provenance."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reglab.core.datasets.base import Dataset
from reglab.core.datasets.identity_key import KEPT, IdentityKey
from reglab.core.spec.dataset import ImageDataset

# Splits of sets that come without one are the same for all runs, seeds and machines.
SPLIT_SEED = 20260503


@dataclass(frozen=True)
class RawImages:
    """Images (n, d) as stored, labels (n,) int64, and the largest pixel value."""

    images: NDArray[Any]
    labels: NDArray[np.int64]
    maximum: float


def build(
    spec: ImageDataset,
    train: RawImages,
    test: RawImages,
    rng: np.random.Generator,
    provenance: dict[str, Any],
) -> Dataset:
    """Choose ``train_size`` and ``test_size`` images and scale their pixels to [0, 1]."""
    train_size: int = spec.train_size  # type: ignore[attr-defined]
    test_size: int = spec.test_size  # type: ignore[attr-defined]
    if spec.sampling == "random":
        chosen = np.sort(rng.permutation(len(train.labels))[:train_size])
    else:
        chosen = np.arange(train_size)
    x_train = _scaled(train, chosen)
    x_test = _scaled_test(IdentityKey(test.images), test_size, test.maximum)
    mean = None
    if spec.centred:
        mean = x_train.mean(axis=0, dtype=np.float64).astype(np.float32)
        x_train, x_test = x_train - mean, x_test - mean
    digest = hashlib.sha256(x_train.data)
    digest.update(x_test.data)
    return Dataset(
        x_train=x_train,
        y_train=train.labels[chosen],
        x_test=x_test,
        y_test=test.labels[:test_size],
        offset=mean,
        n_classes=spec.n_classes,
        image_shape=spec.image_shape,
        class_names=spec.class_names,
        provenance={**provenance, "sampling": spec.sampling, "inputs_sha256": digest.hexdigest()},
    )


def split(raw: RawImages, train_size: int) -> tuple[RawImages, RawImages]:
    """Shuffle in one fixed order; the first ``train_size`` train, the others test."""
    order = np.random.default_rng(SPLIT_SEED).permutation(len(raw.labels))
    train, test = order[:train_size], order[train_size:]
    return (
        RawImages(raw.images[train], raw.labels[train], raw.maximum),
        RawImages(raw.images[test], raw.labels[test], raw.maximum),
    )


def _scaled(raw: RawImages, chosen: NDArray[np.int64]) -> NDArray[np.float32]:
    return np.ascontiguousarray(raw.images[chosen] / np.float32(raw.maximum), dtype=np.float32)


@functools.lru_cache(maxsize=KEPT)
def _scaled_test(images: IdentityKey, count: int, maximum: float) -> NDArray[np.float32]:
    """The same array for run after run, so that what others make of it can be kept as well."""
    return np.ascontiguousarray(images.array[:count] / np.float32(maximum), dtype=np.float32)
