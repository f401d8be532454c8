"""Numbers of a curve of evaluations."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray


def late_mean(values: NDArray[Any]) -> float:
    """Mean over the last tenth of the evaluations (T,): single ones scatter."""
    return float(values[-max(1, len(values) // 10) :].mean())
