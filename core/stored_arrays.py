"""What the arrays of a finished run look like: names, dimensions, kinds of numbers.

The twin of the table in ``docs/architecture.md``; arrays from outside are held against it, since
figures and endpoints rely on it. A probe's arrays are one entry of ``SHAPES``.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reglab.core.spec import RunSpec

Arrays = Mapping[str, NDArray[Any]]
Dimensions = tuple[str | int, ...]
# A letter stands for the same size in all arrays of a run; K classes and d features are the spec's.
# Arrays of one group are there together or not at all.
SHAPES: dict[str, dict[str, Dimensions]] = {
    "test": {"test.logits": ("test", "K"), "test.labels": ("test",)},
    "train": {"train.points": ("train", 2), "train.labels": ("train",)},
    "boundary": {"boundary.x": ("R",), "boundary.y": ("R",), "boundary.p": ("R", "R")},
    "instances": {"boundary.dropout": ("instances", "R", "R")},
    "snapshots": {
        "boundary.epochs": ("snapshots",),
        "boundary.snapshots": ("snapshots", "R", "R"),
    },
    "spectrum": {
        "spectrum.epochs": ("S",),
        "spectrum.energy": ("S", "d"),
        "spectrum.eigenvalues": ("d",),
    },
    "validation": {"validation.logits": ("V", "K"), "validation.labels": ("V",)},
    "mc_dropout": {"mc_dropout.scores": ("samples", 3)},
    "augmentation": {
        "augmentation.before": ("shown", "d"),
        "augmentation.after": ("shown", "d"),
    },
    "components": {
        "components.epochs": ("C",),
        "components.error": ("C", "r"),
        "components.eigenvalues": ("r",),
    },
    "norms": {
        "norms.epochs": ("T",),
        "norms.steps": ("T",),
        "norms.weights": ("T", "layers"),
        "norms.biases": ("T", "layers"),
        "norms.factors": ("factors",),
        "norms.change": ("factors",),
    },
}
# Groups that make no sense without another.
NEEDS = {"boundary": "train", "instances": "boundary", "snapshots": "boundary"}
WHOLE = ("epochs", "steps", "labels")
# A ratio of outputs that are all zero is no number.
MAY_BE_NAN = ("norms.change", "mc_dropout.scores")


def fault(spec: RunSpec, arrays: Arrays) -> str | None:
    """What is wrong with the arrays of a finished run, in a sentence, or None.

    Args:
        spec: The run's.
        arrays: All of them.
    """
    shapes = _parameters(spec)
    for group, members in SHAPES.items():
        found = [name for name in members if name in arrays]
        if found or group == "test":
            shapes |= members
        needed = NEEDS.get(group)
        if found and needed and not any(name in arrays for name in SHAPES[needed]):
            return f"'{found[0]}' needs '{next(iter(SHAPES[needed]))}'."
    unknown = sorted(set(arrays) - set(shapes))
    if unknown:
        return f"'{unknown[0]}' is no result of a run."
    sizes = {"K": spec.dataset.n_classes, "d": spec.dataset.n_features}
    sizes["layers"] = len(spec.widths()) - 1
    for name, dimensions in shapes.items():
        problem = _one(name, arrays.get(name), dimensions, sizes)
        if problem:
            return problem
    return _labels(spec, arrays)


def _parameters(spec: RunSpec) -> dict[str, Dimensions]:
    shapes: dict[str, Dimensions] = {}
    for at, (n_in, n_out) in enumerate(itertools.pairwise(spec.widths())):
        shapes |= {f"param.W{at}": (n_in, n_out), f"param.b{at}": (n_out,)}
    return shapes


def _one(
    name: str, array: NDArray[Any] | None, dimensions: Dimensions, sizes: dict[str, int]
) -> str | None:
    if array is None:
        return f"'{name}' is missing."
    if array.ndim != len(dimensions) or 0 in array.shape:
        return f"'{name}' is of shape {array.shape}, not ({', '.join(map(str, dimensions))})."
    for extent, dimension in zip(array.shape, dimensions, strict=True):
        wanted = dimension if isinstance(dimension, int) else sizes.setdefault(dimension, extent)
        if extent != wanted:
            return f"'{name}' is of shape {array.shape}, where {wanted} is needed for {dimension}."
    whole = name.endswith(WHOLE)
    if whole != (array.dtype.kind in "iu"):
        return f"'{name}' is of {array.dtype}."
    if not whole and name not in MAY_BE_NAN and not np.isfinite(array).all():
        return f"'{name}' has a value that is no finite number."
    return None


def _labels(spec: RunSpec, arrays: Arrays) -> str | None:
    for name in arrays:
        if name.endswith("labels"):
            found, last = arrays[name], spec.dataset.n_classes - 1
            if found.min() < 0 or found.max() > last:
                return f"'{name}' are not classes from 0 to {last}."
    return None
