"""SmoothECE: a calibration error without bins (Błasiok and Nakkiran, 2024)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct, idct
from scipy.optimize import brentq

from reglab.core.metrics.confidences import Answers

Floats = NDArray[np.float64]
# Cells of [0, 1]: a width below one of them is not told from 0.
CELLS = 2048
TOLERANCE = 1e-7
# Beyond the largest possible error.
WIDEST = 1.5


def smooth_error(answers: Answers) -> float:
    """smECE: the width s at which the error of residuals that are smoothed with s is s itself.

    smECE_s = integral over t in [0, 1] of |mean_i (y_i - c_i) K_s(t, c_i)|, with a Gaussian kernel
    of standard deviation s that is reflected at 0 and 1. It falls with s, so that one s equals it;
    that is within a factor of two of the distance to calibration.
    """
    spectrum = dct(_residuals(answers), type=2)
    decay = -0.5 * (np.pi * np.arange(CELLS)) ** 2

    def excess(width: float) -> float:
        """smECE_s minus s."""
        smoothed = idct(spectrum * np.exp(decay * width**2), type=2)
        return float(np.abs(smoothed).sum() - width)

    if excess(0.0) <= 0:
        return 0.0
    return min(float(brentq(excess, 0.0, WIDEST, xtol=TOLERANCE)), 1.0)


def _residuals(answers: Answers) -> Floats:
    """Sum of (accuracy minus confidence) / N per cell, split between the two nearest centres."""
    mass = (answers.right - answers.count * answers.confidence) / answers.size
    place = answers.confidence * CELLS - 0.5
    left = np.floor(place).astype(np.int64)
    part = place - left
    near = np.bincount(np.clip(left, 0, CELLS - 1), mass * (1 - part), CELLS)
    far = np.bincount(np.clip(left + 1, 0, CELLS - 1), mass * part, CELLS)
    return np.asarray(near + far, np.float64)
