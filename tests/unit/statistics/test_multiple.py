"""Corrections for many tests, by their definitions and scipy, and the error rates they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from reglab.core.statistics import adjusted

P = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@given(P)
def test_holm_rejects_what_its_steps_reject(p_values):
    found = adjusted(p_values, "holm")
    for level in (0.01, 0.05, 0.3):
        rejected, left = set(), sorted(range(len(p_values)), key=p_values.__getitem__)
        while left and p_values[left[0]] * len(left) <= level:
            rejected.add(left.pop(0))
        assert set(np.flatnonzero(found <= level)) == rejected


@given(P)
def test_benjamini_hochberg_is_scipys(p_values):
    np.testing.assert_allclose(
        adjusted(p_values, "bh"), stats.false_discovery_control(p_values), atol=1e-12
    )


@given(P, st.randoms())
def test_the_order_of_tests_does_not_matter(p_values, random):
    order = list(range(len(p_values)))
    random.shuffle(order)
    shuffled = adjusted([p_values[at] for at in order])
    assert shuffled == pytest.approx(adjusted(p_values)[order])
