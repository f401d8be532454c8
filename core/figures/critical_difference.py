"""Several arms by their average ranks: which of them are told apart (Demsar, 2006)."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from reglab.core.errors import NotComparableError, NotMeasurableError
from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.forest import arms_of_points, short
from reglab.core.figures.style import PALETTE, Style, canvas
from reglab.core.results.arms import ArmComparison, compare

# More labels than these on a side overlap.
MOST_RANKED = 24
STEP = 0.5


def cliques(ranks: list[float], distance: float) -> list[tuple[int, int]]:
    """First and last of each longest row of sorted ranks (k,) that lie within a distance."""
    found: list[tuple[int, int]] = []
    for first, rank in enumerate(ranks):
        last = max(at for at, other in enumerate(ranks) if other - rank <= distance)
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return found


class CriticalDifference(Figure[ArmComparison]):
    """Arms along the axis of their average ranks; bars join those that are not told apart."""

    name = "critical-difference"
    title = "Average ranks of sweep points"

    def measure(self, runs: Runs) -> ArmComparison:
        """Ranks by test accuracy over the seeds that all sweep points have."""
        try:
            return self.check(compare(arms_of_points(runs), baseline=0))
        except NotComparableError as reason:
            raise NotMeasurableError(str(reason)) from reason

    def check(self, found: ArmComparison) -> ArmComparison:
        """The comparison, if there is anything to draw.

        Raises:
            NotMeasurableError: The ranks are not tested, or there are too many.
        """
        if found.ranks.reason is not None:
            raise NotMeasurableError(found.ranks.reason)
        if len(found.arms) > MOST_RANKED:
            raise NotMeasurableError(f"It shows at most {MOST_RANKED} arms.")
        return found

    def draw(self, found: ArmComparison, style: Style) -> Canvas:
        """Better arms to the left."""
        ranks = found.ranks.average
        distance = found.ranks.critical_difference
        assert distance is not None
        order = sorted(range(len(ranks)), key=ranks.__getitem__)
        placed = [ranks[at] for at in order]
        bars = cliques(placed, distance)
        half = (len(order) + 1) // 2
        top = 0.5 + 0.28 * len(bars)
        depth = top + STEP * half
        # Rows keep their height in a narrow figure, so that their names do not overlap.
        width = style.width or 9
        figure = canvas(style, width, 0.55 * depth + 1.1)
        axes = figure.subplots()
        axes.set_axis_off()
        axes.set_xlim(0.8, len(ranks) + 0.2)
        axes.set_ylim(-depth, 1.6)
        self._axis(axes, len(ranks), distance, style, width)
        for level, (first, last) in enumerate(bars):
            height = -0.35 - 0.28 * level
            ends = [placed[first] - 0.04, placed[last] + 0.04]
            axes.plot(ends, [height, height], color=PALETTE[1], linewidth=4, solid_capstyle="butt")
        for position, at in enumerate(order):
            is_left = position < half
            row = position if is_left else len(order) - 1 - position
            height, end = -top - STEP * row, 0.8 if is_left else len(ranks) + 0.2
            axes.plot(
                [ranks[at], ranks[at], end], [0, height, height], color=style.ink, linewidth=1
            )
            name = short(found.arms[at].arm.label)
            text = f"{name}  {ranks[at]:.2f} " if is_left else f" {ranks[at]:.2f}  {name}"
            side = "right" if is_left else "left"
            axes.text(end, height, text, ha=side, va="center", fontsize=8)
        return figure

    def caption(self, found: ArmComparison) -> str:
        """The best arm, and whether Friedman's test tells any apart."""
        ranks, distance = found.ranks, found.ranks.critical_difference
        assert distance is not None
        least = min(ranks.average)
        best = [
            row.arm.label
            for row, rank in zip(found.arms, ranks.average, strict=True)
            if rank == least
        ]
        over = "datasets" if len(found.datasets) > 1 else "seeds"
        also = f" and {len(best) - 1} others" if len(best) > 1 else ""
        return (
            f"Average ranks by {found.metric.replace('_', ' ')} over {ranks.blocks} shared {over}; "
            f"1 is the best. Bars join arms whose ranks differ by less than {distance:.3g}, "
            f"Nemenyi's critical difference (CD). Best: '{best[0]}'{also} ({least:.2f}). "
            f"Friedman's test of "
            f"all arms being alike: p = {ranks.p_value:.2g}. {found.varied}"
        )

    def _axis(self, axes: Axes, count: int, distance: float, style: Style, width: float) -> None:
        axes.plot([1, count], [0, 0], color=style.ink, linewidth=1.2)
        # Numbers at all ranks of many arms, or in a narrow figure, would overlap.
        every = math.ceil(count / (2 * width))
        for rank in range(1, count + 1):
            axes.plot([rank, rank], [0, 0.12], color=style.ink, linewidth=1)
            if (rank - 1) % every == 0:
                axes.text(rank, 0.2, f"{rank}", ha="center", va="bottom", fontsize=8)
        # A distance beyond the axis is told by its number alone.
        end = min(1 + distance, count + 0.2)
        axes.plot([1, end], [1.0, 1.0], color=PALETTE[0], linewidth=2)
        axes.text((1 + end) / 2, 1.1, f"CD = {distance:.2f}", ha="center", va="bottom", fontsize=8)
