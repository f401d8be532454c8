"""Training labels that are shuffled among their examples (Zhang et al., 2017)."""

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


def with_label_noise(data: Dataset, share: float, rng: np.random.Generator) -> Dataset:
    """The dataset with a share of its training labels shuffled, also of those drawn anew.

    Args:
        data: The dataset; its test labels stay.
        share: From 0 to 1.
        rng: The run's data stream, of which the dataset itself has drawn all that it needs.
    """
    y_train = shuffled(data.y_train, share, rng)
    redraw = data.redraw

    def redrawn(generator: np.random.Generator) -> Examples:
        assert redraw is not None
        x, y = redraw(generator)
        return x, shuffled(y, share, generator)

    return replace(
        data,
        y_train=y_train,
        redraw=redrawn if redraw else None,
        provenance={**data.provenance, "wrong_labels": int(np.sum(y_train != data.y_train))},
    )
