"""Batch size as a regularizer."""

from __future__ import annotations

from functools import partial

from matplotlib.figure import Figure as Canvas

from reglab.core.errors import NotMeasurableError
from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.decay_methods import by_strength, plot_strengths
from reglab.core.figures.grouping import (
    Group,
    dataset_note,
    extreme_note,
    groups,
    loss_name,
    need_only,
    seeds_note,
)
from reglab.core.figures.lines import Line, key, plot_lines
from reglab.core.figures.style import PALETTE, Style, canvas, sequence
from reglab.core.metrics.curves import late_mean
from reglab.core.results import RunResult

PATH = "training.batch_size"


def _size(run: RunResult) -> float:
    return run.spec.training.batch_size


def late(run: RunResult, metric: str) -> float:
    """Mean of a metric over the last tenth of the evaluations."""
    return late_mean(run.curves[metric])


class BatchSize(Figure[list[Group]]):
    """Test accuracy and losses over the batch size."""

    name = "batch-size"
    title = "Batch size"

    def measure(self, runs: Runs) -> list[Group]:
        """The replicates of each size, by rising size."""
        if len({_size(run) for run in runs}) < 2:
            raise NotMeasurableError(
                "It needs several values of training.batch_size, as the preset 'batch-size'."
            )
        need_only(runs, "a sweep of the batch size alone", PATH)
        return sorted(groups(runs), key=lambda group: _size(group.runs[0]))

    def draw(self, found: list[Group], style: Style) -> Canvas:
        """Left: test accuracy. Middle: losses at the end. Right: train loss over epochs."""
        runs = [run for group in found for run in group.runs]
        figure = canvas(style, 13, 4)
        left, middle, right = figure.subplots(1, 3)
        plot_strengths(
            left, *by_strength(runs, _size, lambda r: late(r, "test_accuracy")), PALETTE[0], ""
        )
        for metric, name, colour in (("test_loss", "test", 1), ("train_loss", "train", 0)):
            losses = by_strength(runs, _size, partial(late, metric=metric))
            plot_strengths(middle, *losses, PALETTE[colour], name)
        sizes = [_size(group.runs[0]) for group in found]
        colours = sequence(len(found), style.theme)
        lines = [
            Line(group, "train_loss", {"color": colour, "linewidth": 1.2})
            for group, colour in zip(found, colours, strict=True)
        ]
        plot_lines(right, lines, log=True)
        for axes in (left, middle):
            axes.set_xscale("log", base=2)
            axes.set_xticks(sizes, [f"{size:g}" for size in sizes], fontsize=8)
            axes.set_xlabel("batch size")
        left.set(title="Test accuracy", ylabel="mean over the last tenth of training")
        middle.set(title=f"{loss_name(runs).capitalize()} at the end", yscale="log")
        middle.legend()
        right.set(title="Train loss", xlabel="epoch")
        key(figure, [right], [group.label for group in found], colours, linewidth=2)
        return figure

    def caption(self, found: list[Group]) -> str:
        """Accuracy at the ends and at the best size."""
        runs = [run for group in found for run in group.runs]
        sizes, accuracies = by_strength(runs, _size, lambda r: late(r, "test_accuracy"))
        means = [each.mean() for each in accuracies]
        labels = [f"{size:g}" for size in sizes]
        best = extreme_note(labels, means, [group.runs for group in found])
        ends = ", ".join(
            f"{means[at]:.2%} for {labels[at]}{best.get(at, '').replace('as at', 'as for')}"
            for at in sorted({0, min(best), len(means) - 1})
        )
        return (
            "Left: test accuracy over the batch size, mean and single seeds, all trained for the "
            "same number of epochs. Middle: losses at the end. Right: train loss over epochs. Test "
            f"accuracy by batch size is {ends}." + seeds_note(found) + dataset_note(runs, "mnist")
        )
