"""What the geometric augmentations share: images read at other places, bilinearly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

Floats = NDArray[np.float64]


def warp(images: NDArray[np.float32], rows: Floats, columns: Floats) -> NDArray[np.float32]:
    """New images whose pixel (i, r, c) is image i's value at (rows, columns)[i, r, c].

    Args:
        images: (n, H, W).
        rows: Where to read, in pixels from the top, (n, H, W); zero beyond the image.
        columns: Likewise from the left.
    """
    which = np.broadcast_to(np.arange(len(images))[:, None, None], images.shape)
    # Order 1 between images too, but their coordinate is whole: nothing is mixed.
    # "grid-constant" fades into the zeros beyond the edge, where "constant" would cut.
    read = map_coordinates(images, [which, rows, columns], order=1, mode="grid-constant")
    return np.asarray(read, np.float32)


def warp_linear(images: NDArray[np.float32], matrices: Floats) -> NDArray[np.float32]:
    """Images (n, H, W) read at centre + A (pixel - centre), one A (2, 2) an image, (n, 2, 2).

    To rotate or scale an image by M, read it at the inverse of M.
    """
    _, height, width = images.shape
    grid = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), axis=-1)
    centre = np.array([(height - 1) / 2, (width - 1) / 2])
    row, column = grid[..., 0] - centre[0], grid[..., 1] - centre[1]
    # Written out, as a library's product may round otherwise on another processor.
    places = [
        at + (line[:, 0, None, None] * row + line[:, 1, None, None] * column)
        for at, line in zip(centre, np.moveaxis(matrices, 1, 0), strict=True)
    ]
    return warp(images, *places)
