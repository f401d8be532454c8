"""Several arms: the difference of each comparison with its simultaneous interval."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from reglab.core.errors import NotComparableError, NotMeasurableError
from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.grouping import groups, need_runs, seeds_of
from reglab.core.figures.style import GREY, PALETTE, Style, canvas
from reglab.core.results.arms import MOST_ARMS, Arm, ArmComparison, compare
from reglab.core.statistics import ArmDifference

MOST_SIGNS = 34
# Inches below which the numbers beside the rows would leave no room for the plot.
NUMBERS_FROM = 7.0
# Looks of what is better, worse, equivalent and undecided: colour, marker, whether it is filled.
LOOKS = {
    "better": (PALETTE[0], "o", True),
    "worse": (PALETTE[1], "X", True),
    "equivalent": (PALETTE[2], "s", True),
    "undecided": (GREY, "o", False),
}


def arms_of_points(runs: Runs) -> list[Arm]:
    """Each sweep point as an arm.

    Raises:
        NotMeasurableError: There are fewer than two, or too many.
    """
    need_runs(runs)
    points = groups(runs)
    if not 2 <= len(points) <= MOST_ARMS:
        raise NotMeasurableError(
            f"It compares from 2 to {MOST_ARMS} sweep points, and these runs have {len(points)}."
        )
    return [
        Arm(point.label, point.label, point.params, [run.index for run in point.runs], point.runs)
        for point in points
    ]


def short(label: str) -> str:
    """A label that leaves room for the plot."""
    return label if len(label) <= MOST_SIGNS else f"{label[: MOST_SIGNS - 1]}…"


def word(found: ArmComparison, one: ArmDifference) -> str:
    """The decision as one of ``LOOKS``."""
    if one.decision not in ("higher", "lower"):
        return one.decision
    return "better" if (one.decision == "higher") == found.higher_is_better else "worse"


class Forest(Figure[ArmComparison]):
    """A row per comparison of two arms."""

    name = "forest"
    title = "Comparison of sweep points"

    def measure(self, runs: Runs) -> ArmComparison:
        """Test accuracy of all sweep points against that of the first."""
        arms = arms_of_points(runs)
        try:
            return self.check(compare(arms, baseline=0))
        except NotComparableError as reason:
            raise NotMeasurableError(str(reason)) from reason

    def check(self, found: ArmComparison) -> ArmComparison:
        """The comparison, if there is anything to draw.

        Raises:
            NotMeasurableError: Nothing has an interval.
        """
        if all(one.low is None for one in found.comparisons):
            reasons = dict.fromkeys(one.reason or "" for one in found.comparisons)
            raise NotMeasurableError(" ".join(reasons))
        return found

    def draw(self, found: ArmComparison, style: Style) -> Canvas:
        """To the right of the line b is higher than a."""
        rows = found.comparisons
        # Rows keep their height in a narrow figure, so that their names do not overlap.
        figure = canvas(style, style.width or 9, 0.32 * len(rows) + 1.6)
        axes = figure.subplots()
        if found.margin is not None:
            axes.axvspan(-found.margin, found.margin, color=GREY, alpha=0.18, linewidth=0)
        for at, one in enumerate(rows):
            self._row(axes, at, found, one)
        axes.axvline(0, color=style.ink, linewidth=1)
        axes.set_yticks(range(len(rows)), [self._name(found, one) for one in rows], fontsize=8)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        # A row or two fill the height without touching its ends.
        axes.margins(x=0.08)
        axes.locator_params(axis="x", nbins=6)
        side = "right" if found.higher_is_better else "left"
        axes.set_xlabel(f"difference in {found.metric.replace('_', ' ')} ({side} is better)")
        if figure.get_figwidth() >= NUMBERS_FROM:
            beside = axes.twinx()
            beside.set_ylim(axes.get_ylim())
            beside.set_yticks(range(len(rows)), [_numbers(one) for one in rows], fontsize=8)
            beside.tick_params(length=0)
            beside.grid(visible=False)
        if found.baseline is not None:
            name = short(found.arms[found.baseline].arm.label)
            axes.set_title(f"against {name}", fontsize=10)
        self._legend(figure, found)
        return figure

    def caption(self, found: ArmComparison) -> str:
        """Which differences are told, and what they are about."""
        counts = {
            look: sum(word(found, one) == look for one in found.comparisons) for look in LOOKS
        }
        told = ", ".join(f"{count} {look}" for look, count in counts.items() if count)
        against = "all pairs of arms"
        if found.baseline is not None:
            against = f"all arms against '{found.arms[found.baseline].arm.label}'"
        sets = [row.arm.runs for row in found.arms]
        return (
            f"Differences in {found.metric.replace('_', ' ')} of {against}, paired by seed "
            f"({seeds_of(sets)}): {told}. The intervals hold together in 95 %; decisions are by "
            f"p-values that are corrected for the {len(found.comparisons)} comparisons "
            f"({found.adjust}). {found.varied}"
        )

    def _row(self, axes: Axes, at: int, found: ArmComparison, one: ArmDifference) -> None:
        colour, marker, filled = LOOKS[word(found, one)]
        if one.difference is None:
            return
        if one.low is not None and one.high is not None:
            axes.plot([one.low, one.high], [at, at], color=colour, linewidth=2)
        face = colour if filled else axes.get_facecolor()
        axes.plot(one.difference, at, marker, color=colour, markerfacecolor=face, markersize=6.5)

    def _name(self, found: ArmComparison, one: ArmDifference) -> str:
        name = short(found.arms[one.b].arm.label)
        if found.baseline is not None:
            return name
        return f"{name} − {short(found.arms[one.a].arm.label)}"  # noqa: RUF001

    def _legend(self, figure: Canvas, found: ArmComparison) -> None:
        from matplotlib.lines import Line2D

        there = {word(found, one) for one in found.comparisons}
        handles = [
            Line2D(
                [],
                [],
                color=colour,
                marker=marker,
                markerfacecolor=colour if filled else "none",
                label=name,
            )
            for name, (colour, marker, filled) in LOOKS.items()
            if name in there
        ]
        figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), fontsize=8)


def _numbers(one: ArmDifference) -> str:
    if one.difference is None:
        return "not compared"
    if one.low is None or one.high is None or one.p_adjusted is None:
        return f"{one.difference:+.3g}, no interval"
    shown = one.p_adjusted
    if one.decision == "equivalent" and one.p_equivalent_adjusted is not None:
        shown = one.p_equivalent_adjusted
    p = f"p = {shown:.2g}" if shown >= 1e-4 else "p < 0.0001"
    return f"{one.difference:+.3g} [{one.low:+.3g}, {one.high:+.3g}], {p}"
