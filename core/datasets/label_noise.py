"""Wrong training labels: shuffled among their examples (Zhang et al., 2017), or replaced."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from reglab.core.datasets.base import Dataset, Examples


def shuffled(
    labels: NDArray[np.int64], share: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Labels (N,) of which ``round(share * N)``, chosen at random, are permuted at random.

    Each class keeps its number of examples. Some of the chosen labels stay right by chance.
    """
    chosen = rng.permutation(len(labels))[: round(share * len(labels))]
    found = labels.copy()
    found[chosen] = labels[rng.permutation(chosen)]
    return found


def replaced(
    labels: NDArray[np.int64], share: float, kind: str, classes: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Labels (N,) of which ``round(share * N)``, chosen at random, are replaced.

    Args:
        labels: From 0 to ``classes`` - 1.
        share: From 0 to 1.
        kind: 'random' draws uniformly from all classes, 'symmetric' from the other classes, and
            'pairwise' takes the next class, the first after the last.
        classes: K, the number of classes.
        rng: Draws which, and then the classes.
    """
    chosen = rng.permutation(len(labels))[: round(share * len(labels))]
    found = labels.copy()
    if kind == "random":
        found[chosen] = rng.integers(0, classes, len(chosen))
    else:
        ahead = 1 if kind == "pairwise" else rng.integers(1, classes, len(chosen))
        found[chosen] = (labels[chosen] + ahead) % classes
    return found


def with_label_noise(data: Dataset, share: float, kind: str, rng: np.random.Generator) -> Dataset:
    """The dataset with wrong labels in a share of its training set, also of examples drawn anew.

    Args:
        data: The dataset; its test labels stay.
        share: From 0 to 1.
        kind: See ``label_noise_kind`` of the spec.
        rng: The run's data stream, of which the dataset itself has drawn all that it needs.
    """

    def change(labels: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.int64]:
        if kind == "shuffled":
            return shuffled(labels, share, generator)
        return replaced(labels, share, kind, data.n_classes, generator)

    y_train = change(data.y_train, rng)
    redraw = data.redraw

    def redrawn(generator: np.random.Generator) -> Examples:
        assert redraw is not None
        x, y = redraw(generator)
        return x, change(y, generator)

    return replace(
        data,
        y_train=y_train,
        redraw=redrawn if redraw else None,
        provenance={**data.provenance, "wrong_labels": int(np.sum(y_train != data.y_train))},
    )
