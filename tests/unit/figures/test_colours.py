"""Every line of figures and of the page is seen on its paper, in both themes."""

from __future__ import annotations

import functools
import re
from importlib.resources import files

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb

from reglab.api.web.present import SERIES, group_colours, time_colours
from reglab.core.figures.style import (
    CONTRAST,
    GREY,
    PALETTE,
    PAPERS,
    Style,
    contrast,
    legible,
    sequence,
    time_map,
)

CSS = files("reglab.api.web").joinpath("static/reglab.css").read_text("utf-8")


@functools.cache
def papers(theme):
    """What lies behind the lines of a theme: of figures, and of the page's cards and body."""
    page, cards = (re.findall(rf"--{name}: (#\w+);", CSS) for name in ("paper", "surface"))
    at = ["light", "dark"].index(theme)
    return [page[at], cards[at], PAPERS[theme], Style(theme=theme).settings()["figure.facecolor"]]


def least(colours, theme):
    different = {to_rgb(colour) for colour in colours}
    return min(contrast(colour, paper) for colour in different for paper in papers(theme))


def test_contrast_is_that_of_the_guideline():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#0072B2", "#0072B2") == 1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_line_is_seen_whatever_the_number_of_sweep_points(theme):
    for count in [*range(1, 41), 100, 1000]:
        assert least(sequence(count, theme), theme) >= CONTRAST
        assert least(group_colours(count)[theme], theme) >= CONTRAST
        assert len(group_colours(count)[theme]) == count
    assert least([*PALETTE, GREY, *SERIES[theme], Style(theme=theme).ink], theme) >= CONTRAST
    assert least([time_map(theme)(at) for at in range(256)], theme) >= CONTRAST
    assert least(time_colours()[theme], theme) >= CONTRAST


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_many_sweep_points_stay_apart_and_in_order(theme):
    for count in (2, 9, 20):
        shown = [to_rgb(colour) for colour in sequence(count, theme)]
        assert len({to_hex(colour) for colour in shown}) == count
        steps = np.abs(np.diff(np.array(shown), axis=0)).max(axis=1)
        assert steps.min() > 0.3 / count


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("colour", ["#000000", "#ffffff", "#dba32a", "#313695", "#777777"])
def test_a_colour_is_changed_only_as_far_as_it_must(theme, colour):
    found = legible(colour, theme)
    assert contrast(found, PAPERS[theme]) >= CONTRAST
    if contrast(colour, PAPERS[theme]) >= CONTRAST:
        assert found == pytest.approx(to_rgb(colour))
