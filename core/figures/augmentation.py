"""Figure 1: training with and without shift augmentation."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure as Canvas

from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.grouping import Group, dataset_note, plot_metric, seeds_note
from reglab.core.figures.style import PALETTE, Style, canvas
from reglab.core.results import RunResult

PANELS = (
    ("train_loss", "Train loss (clean data)"),
    ("train_accuracy", "Train accuracy"),
    ("test_accuracy", "Test accuracy"),
)


def _sides(runs: Runs) -> tuple[Group, Group]:
    plain = [run for run in runs if run.spec.regularization.augmentation is None]
    moved = [run for run in runs if _is_shifted(run)]
    return Group({}, plain), Group({}, moved)


def _is_shifted(run: RunResult) -> bool:
    augmentation = run.spec.regularization.augmentation
    return augmentation is not None and augmentation.name == "shift"


class Augmentation(Figure):
    """Three panels over epochs."""

    name = "fig01-augmentation"
    title = "Training with and without shift augmentation"
    article_number = 1

    def applies(self, runs: Runs) -> str | None:
        """Needs runs of both kinds."""
        if all(side.runs for side in _sides(runs)):
            return None
        return "It needs a run with and a run without augmentation, as the preset 'augmentation'."

    def draw(self, runs: Runs, style: Style) -> Canvas:
        """Train loss on a log axis, train accuracy, test accuracy."""
        figure = canvas(style, 12, 3.8)
        names = ("no augmentation", "shift augmentation")
        for axes, (metric, title) in zip(figure.subplots(1, 3), PANELS, strict=True):
            for side, name, colour in zip(_sides(runs), names, PALETTE, strict=False):
                log = metric == "train_loss"
                plot_metric(axes, side, metric, log, label=name, color=colour, linewidth=1.2)
            axes.set_title(title)
            axes.set_xlabel("epoch")
            if metric == "train_loss":
                axes.set_yscale("log")
                axes.legend()
            else:
                # The first epochs rise from chance, which would flatten all that follows.
                late = [g.curve(metric)[1][1:] for g in _sides(runs)]
                low = min(float(np.percentile(values, 2)) for values in late)
                high = max(float(values.max()) for values in late)
                axes.set_ylim(low - 0.02, min(1.005, high + 0.015))
        return figure

    def caption(self, runs: Runs) -> str:
        """Final test accuracies, averaged over the last tenth of the evaluations."""
        plain, moved = (_late_accuracy(side) for side in _sides(runs))
        return (
            "Left: train loss on clean data over epochs. Middle: train accuracy. Right: test "
            f"accuracy, which ends at {plain:.1%} without and {moved:.1%} with shift augmentation "
            "(mean over the last tenth of training)."
            + seeds_note(runs)
            + dataset_note(runs, "mnist")
        )


def _late_accuracy(group: Group) -> float:
    _, mean, _, _ = group.curve("test_accuracy")
    return float(mean[-max(1, len(mean) // 10) :].mean())
