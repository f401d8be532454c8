"""Two interleaving half circles with Gaussian noise and, for training, flipped labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reglab.core.datasets.base import Dataset
from reglab.core.elementary import sine_and_cosine
from reglab.core.spec import TwoMoons

title = "Two moons"
source = "drawn from the run's seed (half circles of scikit-learn's make_moons)"
licence = "none needed"


def check(spec: TwoMoons) -> None:
    """The points are always available."""


def digests(spec: TwoMoons) -> dict[str, str]:
    """No file is read."""
    return {}


def load(spec: TwoMoons, rng: np.random.Generator) -> Dataset:
    """Draw training points, flips and test points, in this order, from ``rng``."""
    x_train, y_train = _draw(spec.train_size, spec.noise, rng)
    # Drawn even when nothing flips, so that the test points do not depend on label_flip.
    flips = rng.random(spec.train_size) < spec.label_flip
    x_test, y_test = _draw(spec.test_size, spec.noise, rng)
    return Dataset(
        x_train=x_train,
        y_train=np.where(flips, 1 - y_train, y_train),
        x_test=x_test,
        y_test=y_test,
        n_classes=2,
        image_shape=None,
        class_names=spec.class_names,
        provenance={"source": source, "licence": licence, "flipped": int(flips.sum())},
    )


def half_circles(
    upper: NDArray[np.float64], lower: NDArray[np.float64]
) -> tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]:
    """Coordinates x and y of both moons without noise, at angles (n,) and (m,) from 0 to pi."""
    (sine, cosine), (sine_below, cosine_below) = (sine_and_cosine(each) for each in (upper, lower))
    return (cosine, sine), (1 - cosine_below, 1 - sine_below - 0.5)


def _draw(
    size: int, noise: float, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    angles = [np.linspace(0, np.pi, count) for count in (size // 2, size - size // 2)]
    upper, lower = (np.stack(arc, axis=1) for arc in half_circles(*angles))
    points = np.concatenate([upper, lower])
    points = points + noise * rng.standard_normal(points.shape)
    return points.astype(np.float32), np.repeat([0, 1], [len(upper), len(lower)])
