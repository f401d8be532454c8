"""Bins of sorted probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reglab.core.spec import Binning

Floats = NDArray[np.float64]


def bin_edges(sorted_values: Floats, bins: int, binning: Binning) -> NDArray[np.int64]:
    """Where the bins of ascending values (N,) begin and end, (bins + 1,); a bin may be empty.

    'quantile': near-equal counts. 'uniform': equal widths on [0, 1], each with its upper edge.
    """
    size = len(sorted_values)
    if binning == "quantile":
        # The sizes of numpy.array_split: the first N mod M bins hold one more.
        sizes = np.full(bins, size // bins) + (np.arange(bins) < size % bins)
        return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    inner = np.searchsorted(sorted_values, np.linspace(0, 1, bins + 1)[1:-1], side="right")
    return np.concatenate([[0], inner, [size]]).astype(np.int64)
