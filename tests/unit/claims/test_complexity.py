"""Contour length against shapes whose length is known, and against matplotlib's own contours."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from reglab.core.claims.complexity import contour_length, contour_width
from tests.harness.synthetic import curves, experiment

AXIS = np.linspace(-2, 2, 201)
X, Y = np.meshgrid(AXIS, AXIS)


def test_a_straight_line_and_a_diagonal():
    assert contour_length(AXIS, AXIS, 0.5 + 0.1 * Y) == pytest.approx(4)
    assert contour_length(AXIS, AXIS, 0.5 + 0.1 * (X - Y)) == pytest.approx(4 * np.sqrt(2))


def test_circles_add_up():
    one = 1 / (1 + np.exp(5 * (X**2 + Y**2 - 1)))
    assert contour_length(AXIS, AXIS, one) == pytest.approx(2 * np.pi, rel=1e-3)
    two = np.maximum(
        1 / (1 + np.exp(9 * ((X - 1) ** 2 + Y**2 - 0.25))),
        1 / (1 + np.exp(9 * ((X + 1) ** 2 + Y**2 - 0.25))),
    )
    assert contour_length(AXIS, AXIS, two) == pytest.approx(2 * np.pi, rel=5e-3)


def test_the_width_of_a_band_does_not_depend_on_the_boundary_s_length():
    for slope in (0.5, 1.0):
        ring = 1 / (1 + np.exp(-slope * 20 * (np.hypot(X, Y) - 1)))
        line = 1 / (1 + np.exp(-slope * 20 * Y))
        # From p = 0.1 to p = 0.9 the logit goes by 2 log 9.
        expected = 2 * np.log(9) / (slope * 20)
        for p in (ring, line):
            assert contour_width(run_of(p)) == pytest.approx(expected, rel=0.08)
    assert contour_width(run_of(np.full_like(X, 0.9))) == 0.0


def run_of(p):
    arrays = {"boundary.x": AXIS, "boundary.y": AXIS, "boundary.p": p}
    return experiment("l2", 0, lambda *_: (curves(), arrays))[0]


def test_no_boundary_has_no_length():
    assert contour_length(AXIS, AXIS, np.full_like(X, 0.9)) == 0.0


def test_it_is_what_figures_draw():
    rng = np.random.default_rng(0)
    p = 0.5 + 0.1 * np.sin(3 * X + rng.normal()) * np.cos(2 * Y) + 0.05 * X
    drawn = Figure().subplots().contour(AXIS, AXIS, p, levels=[0.5])
    expected = sum(np.hypot(*np.diff(line, axis=0).T).sum() for line in drawn.allsegs[0])
    assert contour_length(AXIS, AXIS, p.astype(np.float32)) == pytest.approx(expected, rel=1e-4)
