"""Corrections of p-values for the number of tests."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Adjustment = Literal["holm", "bh"]


def adjusted(
    p_values: ArrayLike, method: Adjustment = "holm", most_true: int | None = None
) -> NDArray[np.float64]:
    """P-values (m,) to be compared with the error rate that should hold for all tests together.

    Args:
        p_values: Of the tests, in any order.
        method: 'holm' for the chance of any false rejection (Holm, 1979), whatever the dependence
            of the tests; 'bh' for the expected share of false rejections among all (Benjamini and
            Hochberg, 1995), for independent or positively dependent tests.
        most_true: How many of the hypotheses can be true at once, where some exclude others; Holm's
            method corrects for no more than these (Shaffer, 1986).
    """
    p = np.asarray(p_values, np.float64)
    count = len(p)
    order = np.argsort(p, kind="stable")
    if method == "holm":
        left = np.minimum(count - np.arange(count), count if most_true is None else most_true)
        steps = np.maximum.accumulate(left * p[order])
    else:
        ratios = count / (np.arange(count) + 1) * p[order]
        steps = np.minimum.accumulate(ratios[::-1])[::-1]
    found = np.empty(count)
    found[order] = np.minimum(steps, 1.0)
    return found
