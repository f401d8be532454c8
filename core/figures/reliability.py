"""Reliability and calibration error of any runs that give probabilities."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle

from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.calibration import (
    FLOOR_NOTE,
    MeanEce,
    bars_name,
    error_bars,
    frame_tables,
    table_of,
    together_note,
)
from reglab.core.figures.grouping import (
    Group,
    evenly,
    extreme_note,
    facets,
    groups,
    need_probabilities,
    need_runs,
    points_note,
    seeds_of,
)
from reglab.core.figures.lines import FEW_POINTS, equality, key, wrapped_apart
from reglab.core.figures.style import GREY, PALETTE, Style, canvas, sequence
from reglab.core.metrics.reliability import Reliability as Table
from reglab.core.results.comparison import shared_binning

# Rows of the figure of errors: more would make a picture that nobody can look at.
MOST_ROWS = 120
FEW_ROWS = 40


class Reliability(Figure[list[tuple[Group, Table]]]):
    """Reliability curves of any runs."""

    name = "reliability"
    title = "Reliability"

    def measure(self, runs: Runs) -> list[tuple[Group, Table]]:
        """A table for each sweep point."""
        need_runs(runs)
        need_probabilities(runs)
        probe = shared_binning(runs)
        return [(group, table_of(group.runs, probe)) for group in groups(runs)]

    def draw(self, found: list[tuple[Group, Table]], style: Style) -> Canvas:
        """A curve per sweep point; of a large grid a panel for each value of a field."""
        parts = facets([group for group, _ in found], FEW_POINTS)
        tables = {id(group.runs): table for group, table in found}
        names = list(dict.fromkeys(group.label for part in parts for group in part.groups))
        colours = dict(zip(names, sequence(len(names), style.theme), strict=True))
        columns = min(3, len(parts))
        rows = math.ceil(len(parts) / columns)
        size = (7, 5.6) if len(parts) == 1 else (4 * columns + 1, 3.6 * rows + 0.6)
        figure = canvas(style, *size)
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        for axes in grid.flat[len(parts) :]:
            axes.set_visible(False)
        many = len(names) > FEW_POINTS
        titles = wrapped_apart([part.title for part in parts])
        for axes, part, title in zip(grid.flat, parts, titles, strict=False):
            equality(axes)
            axes.set_title(title)
            for group in part.groups:
                table = tables[id(group.runs)]
                axes.plot(
                    table.confidence,
                    table.accuracy,
                    "-" if many else "o-",
                    color=colours[group.label],
                    ms=3,
                    linewidth=1.2,
                )
            axes.label_outer()
        frame_tables(grid.flat[0], list(tables.values()))
        if len(found) > 1:
            key(figure, list(grid.flat), names, list(colours.values()), linewidth=2)
        return figure

    def caption(self, found: list[tuple[Group, Table]]) -> str:
        """What is shown."""
        return (
            f"Mean accuracy against mean confidence of {points_note(len(found), len(found), '')}; "
            "below the dashed line is over-confident."
            + together_note([group.runs for group, _ in found])
        )


@dataclass(frozen=True)
class Errors:
    """ECE of the sweep points that are drawn, of ``total``."""

    rows: list[tuple[Group, MeanEce]]
    total: int


class Ece(Figure[Errors]):
    """ECE of any runs."""

    name = "ece"
    title = "Expected calibration error"

    def measure(self, runs: Runs) -> Errors:
        """A row for each sweep point."""
        need_runs(runs)
        need_probabilities(runs)
        chosen = groups(runs)
        shown = evenly(chosen, MOST_ROWS)
        probe = shared_binning(runs)
        return Errors([(group, MeanEce.of(group.runs, probe)) for group in shown], len(chosen))

    def draw(self, found: Errors, style: Style) -> Canvas:
        """A bar per sweep point with its interval."""
        count = len(found.rows)
        height, size = (0.4, 10) if count <= FEW_ROWS else (0.17, 7)
        names = wrapped_apart([group.label for group, _ in found.rows], 2)
        lines = max(name.count("\n") + 1 for name in names)
        figure = canvas(style, 8, height * lines**0.5 * count + 1.4)
        axes = figure.subplots()
        errors = [one for _, one in found.rows]
        at = np.arange(count)
        axes.barh(
            at,
            [one.value for one in errors],
            xerr=error_bars(errors),
            color=PALETTE[0],
            error_kw={"ecolor": GREY, "capsize": 2},
        )
        for row, one in zip(at, errors, strict=True):
            if len(one.by_seed) > 1:
                axes.plot(one.by_seed, [row] * len(one.by_seed), ".", color=style.ink, ms=4)
            axes.add_patch(
                Rectangle((0, row - 0.45), one.floor_high, 0.9, color=GREY, alpha=0.35, lw=0)
            )
            axes.plot([one.floor] * 2, [row - 0.45, row + 0.45], ":", color=GREY, linewidth=1.2)
        axes.set_yticks(at, names, fontsize=size)
        axes.set_ylim(count - 0.4, -0.6)
        axes.set_xlim(left=0)
        axes.set_xlabel(f"ECE ({bars_name(errors)})")
        return figure

    def caption(self, found: Errors) -> str:
        """What is shown."""
        sets = [group.runs for group, _ in found.rows]
        rest = "GET /v1/experiments/{id}/ece has all"
        values = [one.value for _, one in found.rows]
        labels = [group.label for group, _ in found.rows]
        at, told = min(extreme_note(labels, values, sets, "least").items())
        return (
            "Expected calibration error of "
            f"{points_note(len(found.rows), found.total, rest)}, over {seeds_of(sets)}; "
            f"{bars_name(one for _, one in found.rows)}: {values[at]:.3f}"
            + (f" at {labels[at]}{told}; " if found.total > 1 else "; ")
            + f"{FLOOR_NOTE}."
        )
