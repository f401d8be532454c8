"""How complex a decision boundary is, and whether it lies where it should, from the stored grid."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy  # its ndimage, slow to import, is loaded at first use
from contourpy import contour_generator
from numpy.typing import NDArray

from reglab.core.datasets.two_moons import half_circles
from reglab.core.results import RunResult

ARC_POINTS = 1000


def contour_length(
    x: NDArray[Any], y: NDArray[Any], probability: NDArray[Any], level: float = 0.5
) -> float:
    """Length of the contour ``probability = level`` in the units of x and y; 0 if there is none.

    Marching squares with linear interpolation. A straight cut through the grid is as short as a
    boundary can be; every tooth, detour and island adds to it.

    Args:
        x: Coordinates (R,) of the columns.
        y: Coordinates (R,) of the rows.
        probability: (R, R).
        level: The contour's value.
    """
    generator = contour_generator(
        np.asarray(x, np.float64), np.asarray(y, np.float64), np.asarray(probability, np.float64)
    )
    lines: Any = generator.lines(level)
    return float(sum(np.hypot(*np.diff(line, axis=0).T).sum() for line in lines))


def boundary_length(run: RunResult) -> float:
    """Length of the run's decision boundary, dropout off."""
    return contour_length(*_axes(run), run.arrays["boundary.p"])


def contour_width(run: RunResult) -> float:
    """Mean width of the band 0.1 < p < 0.9: its area over the boundary's length, in data units.

    0 where the grid holds no boundary.
    """
    x, y = _axes(run)
    p, length = run.arrays["boundary.p"], boundary_length(run)
    area = float(np.mean((p > 0.1) & (p < 0.9)) * np.ptp(x) * np.ptp(y))
    return area / length if length else 0.0


def instance_lengths(run: RunResult) -> list[float]:
    """Length of the boundary of each stored network with dropout left on."""
    return [contour_length(*_axes(run), p) for p in run.arrays["boundary.dropout"]]


def _axes(run: RunResult) -> tuple[NDArray[Any], NDArray[Any]]:
    return run.arrays["boundary.x"], run.arrays["boundary.y"]


def surplus_regions(run: RunResult) -> float:
    """Regions of the plotted square that are decided alike, beyond one per class."""
    first = run.arrays["boundary.p"] > 0.5
    return float(sum(scipy.ndimage.label(part)[1] for part in (first, ~first)) - 2)


def right_on_arcs(run: RunResult) -> float:
    """Share of the moons' two half circles, without noise, that is assigned to its class."""
    x, y = _axes(run)
    angles = np.linspace(0, np.pi, ARC_POINTS)
    found = []
    for label, (u, v) in enumerate(half_circles(angles, angles)):
        at = np.interp(v, y, np.arange(len(y))), np.interp(u, x, np.arange(len(x)))
        p = scipy.ndimage.map_coordinates(
            np.asarray(run.arrays["boundary.p"], np.float64), at, order=1
        )
        found.append((p > 0.5) == bool(label))
    return float(np.mean(found))
