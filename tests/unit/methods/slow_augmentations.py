"""Augmentations image by image and pixel by pixel, from their definitions."""

from __future__ import annotations

import math

import numpy as np
from scipy.ndimage import gaussian_filter


def value(image, row, column):
    """Bilinear between the four pixels about a point; zero beyond the image."""
    total = 0.0
    for r in (math.floor(row), math.floor(row) + 1):
        for c in (math.floor(column), math.floor(column) + 1):
            if 0 <= r < image.shape[0] and 0 <= c < image.shape[1]:
                total += image[r, c] * (1 - abs(row - r)) * (1 - abs(column - c))
    return total


def turn(image, degrees, scale=1.0):
    """Turned counter-clockwise as seen with rows downwards, then scaled, about the centre."""
    height, width = image.shape
    middle = (height - 1) / 2, (width - 1) / 2
    angle = math.radians(degrees)
    out = np.zeros_like(image)
    for row in range(height):
        for column in range(width):
            y, x = (row - middle[0]) / scale, (column - middle[1]) / scale
            r = math.cos(angle) * y + math.sin(angle) * x
            c = -math.sin(angle) * y + math.cos(angle) * x
            out[row, column] = value(image, middle[0] + r, middle[1] + c)
    return out


def bend(image, rows, columns):
    out = np.zeros_like(image)
    for row in range(image.shape[0]):
        for column in range(image.shape[1]):
            place = row + rows[row, column], column + columns[row, column]
            out[row, column] = value(image, *place)
    return out


def blank(image, size, row, column):
    out = image.copy()
    for r in range(row - size // 2, row - size // 2 + size):
        for c in range(column - size // 2, column - size // 2 + size):
            if 0 <= r < image.shape[0] and 0 <= c < image.shape[1]:
                out[r, c] = 0
    return out


def move(wanted, rng, x, batch, shape):
    size = 1 if wanted.unit == "example" else batch
    count = math.ceil(len(x) / size)
    chosen = rng.random(count) < wanted.probability
    drawn = rng.choice(np.array(wanted.pixels), size=(count, 2))
    out = []
    for at, row in enumerate(x):
        dx, dy = drawn[at // size] if chosen[at // size] else (0, 0)
        image, moved = row.reshape(shape), np.zeros(shape)
        for r in range(shape[0]):
            for c in range(shape[1]):
                inside = 0 <= r + dy < shape[0] and 0 <= c + dx < shape[1]
                if inside or wanted.fill == "wrap":
                    moved[(r + dy) % shape[0], (c + dx) % shape[1]] = image[r, c]
        out.append(moved.ravel())
    return np.array(out)


def rewrite(wanted, rng, x, targets, batch, shape):
    """One epoch's x (N, d) and targets (N, K), with the draws that the engine documents."""
    count = len(x)
    if wanted.name == "mixup":
        return mix(wanted, rng, x, targets, batch)
    if wanted.name == "shift":
        return move(wanted, rng, x, batch, shape), targets
    chosen = rng.random(count) < wanted.probability
    out = x.copy()
    if wanted.name == "gaussian_noise":
        noise = rng.standard_normal((int(chosen.sum()), x.shape[1]), np.float32)
        out[chosen] = out[chosen] + wanted.std * noise
        return out, targets
    images = x.reshape(count, *shape)
    if wanted.name == "rotation":
        angles = rng.uniform(-wanted.degrees, wanted.degrees, count)
        changed = [turn(image, angle) for image, angle in zip(images, angles, strict=True)]
    elif wanted.name == "scaling":
        limit = math.log(wanted.factor)
        factors = np.exp(rng.uniform(-limit, limit, count))
        changed = [turn(image, 0, factor) for image, factor in zip(images, factors, strict=True)]
    elif wanted.name == "cutout":
        centres = rng.integers(0, shape, size=(count, 2))
        changed = [
            blank(image, wanted.size, *at) for image, at in zip(images, centres, strict=True)
        ]
    else:
        fields = rng.uniform(-1, 1, (2, int(chosen.sum()), *shape))
        at = iter(range(int(chosen.sum())))
        changed = []
        for image, change in zip(images, chosen, strict=True):
            smooth = image
            if change:
                k = next(at)
                rows, columns = (
                    wanted.alpha * gaussian_filter(fields[axis, k], wanted.sigma, mode="constant")
                    for axis in range(2)
                )
                smooth = bend(image, rows, columns)
            changed.append(smooth)
    for at, image in enumerate(changed):
        if chosen[at]:
            out[at] = image.ravel()
    return out, targets


def mix(wanted, rng, x, targets, batch):
    share = rng.beta(wanted.alpha, wanted.alpha, len(x))
    new_x, new_targets = x.copy(), targets.copy()
    for start in range(0, len(x), batch):
        size = min(batch, len(x) - start)
        for at, other in enumerate(start + rng.permutation(size), start=start):
            s = share[at]
            new_x[at] = s * x[at] + (1 - s) * x[other]
            new_targets[at] = s * targets[at] + (1 - s) * targets[other]
    return new_x, new_targets
