"""Figure 1: training with and without shift augmentation."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from matplotlib.figure import Figure as Canvas

from reglab.core.errors import NotMeasurableError
from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.grouping import Group, dataset_note, groups, need_only, seeds_note
from reglab.core.figures.lines import Line, frame, plot_lines
from reglab.core.figures.style import PALETTE, Style, canvas
from reglab.core.metrics.curves import late_mean
from reglab.core.results import RunResult

PATH = "regularization.augmentation"
NAMES = ("no augmentation", "shift augmentation")
PANELS = (
    ("train_loss", "Train loss (clean data)"),
    ("train_accuracy", "Train accuracy"),
    ("test_accuracy", "Test accuracy"),
)


def _is_shown(run: RunResult) -> bool:
    augmentation = run.spec.regularization.augmentation
    return augmentation is None or augmentation.name == "shift"


class Augmentation(Figure[tuple[Group, Group]]):
    """Three panels over epochs."""

    name = "fig01-augmentation"
    title = "Training with and without shift augmentation"
    article_number: ClassVar[int | None] = 1

    def measure(self, runs: Runs) -> tuple[Group, Group]:
        """The replicates without and with shifts."""
        shown = [run for run in runs if _is_shown(run)]
        sides = {False: [run for run in shown if _is_plain(run)]}
        sides[True] = [run for run in shown if not _is_plain(run)]
        if not all(sides.values()):
            raise NotMeasurableError(
                "It needs a run with and a run without augmentation, as the preset 'augmentation'."
            )
        need_only(shown, "one setting without and with shifts", PATH)
        need_only(sides[True], "one kind of shifts")
        plain, shifted = (groups(sides[moved])[0] for moved in (False, True))
        return plain, shifted

    def draw(self, found: tuple[Group, Group], style: Style) -> Canvas:
        """Train loss on a log axis, train accuracy, test accuracy."""
        figure = canvas(style, 12, 3.8)
        for axes, (metric, title) in zip(figure.subplots(1, 3), PANELS, strict=True):
            lines = [
                Line(side, metric, {"label": name, "color": colour, "linewidth": 1.2})
                for side, name, colour in zip(found, NAMES, PALETTE, strict=False)
            ]
            plot_lines(axes, lines, metric == "train_loss")
            axes.set_title(title)
            axes.set_xlabel("epoch")
            if metric == "train_loss":
                axes.legend()
            else:
                # The first epochs rise from chance, which would flatten all that follows.
                late = [_after_first(side.curve(metric)[1]) for side in found]
                low = min(float(np.percentile(values, 2)) for values in late)
                high = max(float(values.max()) for values in late)
                frame(axes, [np.array([low, high])])
        return figure

    def caption(self, found: tuple[Group, Group]) -> str:
        """Final test accuracies, averaged over the last tenth of the evaluations."""
        plain, moved = (_late_accuracy(side) for side in found)
        return (
            "Left: train loss on clean data over epochs. Middle: train accuracy. Right: test "
            f"accuracy, which ends at {plain:.1%} without and {moved:.1%} with shift augmentation "
            "(mean over the last tenth of training)."
            + seeds_note(found)
            + dataset_note(found[0].runs, "mnist")
        )


class ShortTau(Augmentation):
    """The same, of runs whose step size falls earlier."""

    name = "augmentation-short-tau"
    title = "Shift augmentation with a shorter tau"
    article_number = None


def _is_plain(run: RunResult) -> bool:
    return run.spec.regularization.augmentation is None


def _after_first(values: np.ndarray) -> np.ndarray:
    return values[1:] if len(values) > 1 else values


def _late_accuracy(group: Group) -> float:
    _, mean, _, _ = group.curve("test_accuracy")
    return late_mean(mean)
