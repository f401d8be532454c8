"""What the arrays of a finished run look like, as its probes tell; an import is held to it.

Figures and endpoints rely on names, dimensions and kinds of numbers.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reglab.core.probes import REGISTRY
from reglab.core.probes.base import Dimensions
from reglab.core.spec import RunSpec

WHOLE = ("epochs", "steps", "labels")
PROBABILITIES = {"boundary.p", "boundary.dropout", "boundary.snapshots"}


def fault(spec: RunSpec, arrays: Mapping[str, NDArray[Any]]) -> str | None:
    """What is wrong with the arrays of a finished run, in a sentence, or None.

    Args:
        spec: The run's.
        arrays: All of them.
    """
    shapes = _parameters(spec)
    may_be_nan: set[str] = set()
    for group in (group for kind in REGISTRY.values() for group in kind.stores):
        found = [name for name in group.dimensions if name in arrays]
        if found or group.always:
            shapes |= group.dimensions
            may_be_nan |= group.nan
        if found and group.needs is not None and group.needs not in arrays:
            return f"'{found[0]}' needs '{group.needs}'."
    unknown = sorted(set(arrays) - set(shapes))
    if unknown:
        return f"'{unknown[0]}' is no result of a run."
    sizes = {"K": spec.dataset.n_classes, "d": spec.dataset.n_features}
    sizes["layers"] = len(spec.widths()) - 1
    run_is_classifier = spec.model.loss != "squared"
    for name, dimensions in shapes.items():
        array = arrays.get(name)
        problem = _one(name, array, dimensions, sizes)
        if problem:
            return problem
        if array is not None and name not in may_be_nan and not np.isfinite(array).all():
            return f"'{name}' has a value that is no finite number."
        is_share = name in PROBABILITIES and run_is_classifier
        if array is not None and is_share and not ((array >= 0) & (array <= 1)).all():
            return f"'{name}' has a value that is no probability."
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
    return None


def _labels(spec: RunSpec, arrays: Mapping[str, NDArray[Any]]) -> str | None:
    for name in arrays:
        if name.endswith("labels"):
            found, last = arrays[name], spec.dataset.n_classes - 1
            if found.min() < 0 or found.max() > last:
                return f"'{name}' are not classes from 0 to {last}."
    return None
