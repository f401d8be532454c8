"""Principal components of the inputs, and what of a network lies along them.

With the centred inputs X = U S V^T (N, d), the columns of V are the principal axes. A change dW of
the first layer's weights has the energy E_k = |dW v_k|^2 along axis k; residuals R = Z - Y of
outputs Z and one-hot labels Y have the error |u_k^T R| / sqrt(N) along component k.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Components of less than this share of the largest eigenvalue are rounding.
NEGLIGIBLE = 1e-10


def _centred(x: NDArray[np.float32]) -> Floats:
    return np.asarray(x.astype(np.float64) - x.mean(axis=0, dtype=np.float64))


def principal_axes(x: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """Eigenvalues (d,) falling, and axes (d, d) in columns, of the covariance of x (N, d).

    All d of them, with N - 1 in the denominator.
    """
    centred = _centred(x)
    values, axes = np.linalg.eigh(centred.T @ centred / max(len(x) - 1, 1))
    return np.maximum(values[::-1], 0.0), axes[:, ::-1]


def left_vectors(x: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """Eigenvalues (r,) of X^T X / N, falling, and U (N, r), of x (N, d) with r not negligible."""
    left, values, _ = np.linalg.svd(_centred(x), full_matrices=False)
    eigenvalues = values**2 / len(x)
    kept = eigenvalues > NEGLIGIBLE * eigenvalues[0]
    return eigenvalues[kept], left[:, kept]


def energies(change: NDArray[Any], axes: Floats) -> Floats:
    """E_k (d,) of a change dW (d, n) of the first layer's weights."""
    return np.asarray(np.sum((axes.T @ change.astype(np.float64)) ** 2, axis=1))


def along(change: NDArray[np.float32], axes: Floats) -> NDArray[np.float32]:
    """The part of a change dW (d, n) that lies in the span of orthonormal axes (d, k)."""
    return np.asarray(axes @ (axes.T @ change.astype(np.float64)), np.float32)


def cumulative(energy: Floats) -> Floats:
    """Share of the energy in the first k components, (..., d)."""
    total = energy.sum(axis=-1, keepdims=True)
    return np.asarray(np.cumsum(energy, axis=-1) / np.where(total > 0, total, 1.0))


def errors(residual: Floats, left: Floats) -> Floats:
    """Error (r,) of residuals (N, K) along each of the left vectors (N, r)."""
    return np.asarray(np.linalg.norm(left.T @ residual, axis=1) / np.sqrt(len(residual)))
