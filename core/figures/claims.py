"""All claims at a glance: where each mean lies against what its claim needs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure as Canvas

from reglab.core import claims
from reglab.core.claims import Outcome
from reglab.core.errors import NotMeasurableError
from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.style import GREY, PALETTE, Style, canvas

LOOKS = {
    "supported": (PALETTE[0], "o", True),
    "not_supported": (PALETTE[1], "X", True),
    "undecided": (GREY, "o", False),
    "not_discriminating": (PALETTE[3], "D", False),
}


def margins(outcome: Outcome) -> tuple[float, float, float]:
    """Margin of the mean, and the least and greatest margin within its interval."""
    region = outcome.claim.region
    value, low, high = (
        outcome.value if end is None else end for end in (outcome.value, outcome.low, outcome.high)
    )
    assert value is not None
    inside = [low, high, value]
    if region.low is not None and region.high is not None:
        # Between two ends the margin is greatest in their middle.
        inside.append(float(np.clip((region.low + region.high) / 2, low, high)))
    found = [region.margin(each) for each in inside if each is not None]
    return region.margin(value), min(found), max(found)


class Claims(Figure[list[Outcome]]):
    """A row per claim: its interval against its threshold, scaled to the row."""

    name = "claims"
    title = "Claims of the article"

    def measure(self, runs: Runs) -> list[Outcome]:
        """The claims that speak of these runs."""
        return self.select(claims.evaluate(runs))

    def select(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Those of all outcomes that have a value.

        Raises:
            NotMeasurableError: None has.
        """
        found = [outcome for outcome in outcomes if outcome.value is not None]
        # Sanity checks stand below all findings.
        found.sort(key=lambda outcome: outcome.claim.kind != "finding")
        if not found:
            raise NotMeasurableError(
                "No claim speaks of these runs; see GET .../claims for what each needs."
            )
        return found

    def draw(self, found: list[Outcome], style: Style) -> Canvas:
        """To the right of the line the claim holds."""
        figure = canvas(style, 11, 0.27 * len(found) + 1.3)
        axes = figure.subplots()
        for row, outcome in enumerate(found):
            colour, marker, filled = LOOKS[outcome.verdict or "undecided"]
            value, low, high = margins(outcome)
            control = outcome.control.value if outcome.control else None
            beside = value if control is None else outcome.claim.region.margin(control)
            scale = max(abs(value), abs(low), abs(high)) or 1.0
            if control is not None:
                # One far away stands at the edge: the interval must stay visible.
                axes.plot(np.clip(beside / scale, -1, 1), row, "x", color=GREY, markersize=5)
            axes.plot([low / scale, high / scale], [row, row], color=colour, linewidth=2)
            face = colour if filled else axes.get_facecolor()
            axes.plot(
                value / scale, row, marker, color=colour, markerfacecolor=face, markersize=6.5
            )
            axes.text(1.08, row, _numbers(outcome), va="center", fontsize=7.5)
        axes.axvline(0, color=style.ink, linewidth=1)
        findings = sum(outcome.claim.kind == "finding" for outcome in found)
        if 0 < findings < len(found):
            axes.axhline(findings - 0.5, color=style.ink, linewidth=0.6, linestyle=":")
        axes.set_yticks(range(len(found)), [_label(outcome) for outcome in found], fontsize=8)
        axes.set_ylim(len(found) - 0.4, -0.6)
        axes.set_xlim(-1.05, 1.05)
        axes.set_xticks([])
        axes.grid(axis="y", visible=True)
        axes.set_xlabel(
            "← fails        margin against the threshold, scaled to each row        holds →"
        )
        self._legend(figure, style)
        return figure

    def caption(self, found: list[Outcome]) -> str:
        """How many are supported, not supported, undecided."""
        findings = [one for one in found if one.claim.kind == "finding"]
        counts = {name: sum(one.verdict == name for one in findings) for name in LOOKS}
        seeds = sorted({one.seeds for one in found})
        span = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
        noun = "seed" if seeds[-1] == 1 else "seeds"
        return (
            f"Claims of the article on {span} {noun}: {counts['supported']} supported, "
            f"{counts['not_supported']} not supported, {counts['undecided']} undecided, "
            f"{counts['not_discriminating']} that do not discriminate, and {_checks(found)}. A "
            "line is the 95 % interval of a mean over seeds (Student's t); right of the middle its "
            "claim holds. A cross is the mean of its control, for which it must not hold. Verdicts "
            "are corrected for the number of claims (Holm)."
        )

    def _legend(self, figure: Canvas, style: Style) -> None:
        from matplotlib.lines import Line2D

        handles = [
            Line2D(
                [],
                [],
                color=colour,
                marker=marker,
                markerfacecolor=colour if filled else "none",
                label=name.replace("_", " "),
            )
            for name, (colour, marker, filled) in LOOKS.items()
        ]
        cross = Line2D([], [], color=GREY, marker="x", linestyle="none", label="control")
        figure.legend(handles=[*handles, cross], loc="outside upper center", ncols=5, fontsize=9)


def _label(outcome: Outcome) -> str:
    return outcome.claim.id if outcome.claim.kind == "finding" else f"{outcome.claim.id} (sanity)"


def _checks(found: Sequence[Outcome]) -> str:
    checks = [one for one in found if one.claim.kind == "sanity"]
    passed = sum(one.verdict == "supported" for one in checks)
    return f"{passed} of {len(checks)} sanity checks supported"


def _numbers(outcome: Outcome) -> str:
    shown = f"{outcome.value:.3g}"
    if outcome.low is not None:
        shown += f" [{outcome.low:.3g}, {outcome.high:.3g}]"
    return f"{shown}, needs {outcome.claim.region}"
