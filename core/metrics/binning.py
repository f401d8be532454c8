"""Bins of sorted probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reglab.core.spec import Binning

Floats = NDArray[np.float64]


def bin_edges(sorted_values: Floats, bins: int, binning: Binning) -> NDArray[np.int64]:
    """Where the bins of ascending values (N,) begin and end, (bins + 1,); a bin may be empty.

    'quantile': near-equal counts; equal values are never split, so that the bins do not depend on
    the order of examples. 'uniform': equal widths on [0, 1], each with its upper edge.
    """
    size = len(sorted_values)
    if binning == "quantile":
        # The sizes of numpy.array_split: the first N mod M bins hold one more.
        sizes = np.full(bins, size // bins) + (np.arange(bins) < size % bins)
        return _between_values(sorted_values, np.concatenate([[0], np.cumsum(sizes)]))
    inner = np.searchsorted(sorted_values, np.linspace(0, 1, bins + 1)[1:-1], side="right")
    return np.concatenate([[0], inner, [size]]).astype(np.int64)


def _between_values(sorted_values: Floats, cuts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each cut moved to the nearest place between two different values, the lower of two."""
    places = np.concatenate(
        [[0], np.flatnonzero(np.diff(sorted_values)) + 1, [len(sorted_values)]]
    ).astype(np.int64)
    above = np.searchsorted(places, cuts)
    below = np.maximum(above - 1, 0)
    is_nearer = cuts - places[below] <= places[above] - cuts
    return np.where((places[above] != cuts) & is_nearer, places[below], places[above])
