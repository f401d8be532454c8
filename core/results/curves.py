"""Columns of a run's curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reglab.core.spec.metrics import ALWAYS, SOMETIMES

CURVE_COLUMNS = ("epoch", "step", *ALWAYS)
# Also there in runs that hold out part of their training set, or average their weights.
FURTHER_COLUMNS = SOMETIMES


def downsample(
    curves: Mapping[str, NDArray[Any]], max_points: int, by: str = "test_loss"
) -> dict[str, NDArray[Any]]:
    """At most ``max_points`` rows: the first, the last, and each stretch's extremes of ``by``."""
    size = len(curves["epoch"])
    if size <= max_points:
        return dict(curves)
    stretches = np.array_split(np.arange(1, size - 1), max(1, (max_points - 2) // 2))
    kept = {0, size - 1}
    for stretch in stretches:
        if len(stretch):
            values = curves[by][stretch]
            kept |= {int(stretch[values.argmin()]), int(stretch[values.argmax()])}
    rows = np.array(sorted(kept))
    return {name: column[rows] for name, column in curves.items()}
