"""Batch size as a regularizer."""

from __future__ import annotations

from functools import partial

from matplotlib.figure import Figure as Canvas

from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.decay_methods import by_strength, plot_strengths
from reglab.core.figures.grouping import dataset_note, groups, plot_metric
from reglab.core.figures.style import PALETTE, Style, canvas, sequence
from reglab.core.results import RunResult


def _size(run: RunResult) -> float:
    return run.spec.training.batch_size


def late(run: RunResult, metric: str) -> float:
    """Mean of a metric over the last tenth of the evaluations."""
    values = run.curves[metric]
    return float(values[-max(1, len(values) // 10) :].mean())


class BatchSize(Figure):
    """Test accuracy and losses over the batch size."""

    name = "batch-size"
    title = "Batch size"

    def applies(self, runs: Runs) -> str | None:
        """Needs several batch sizes."""
        if len({_size(run) for run in runs}) > 1:
            return None
        return "It needs several values of training.batch_size, as the preset 'batch-size'."

    def draw(self, runs: Runs, style: Style) -> Canvas:
        """Left: test accuracy. Middle: losses at the end. Right: train loss over epochs."""
        figure = canvas(style, 13, 4)
        left, middle, right = figure.subplots(1, 3)
        plot_strengths(
            left, *by_strength(runs, _size, lambda r: late(r, "test_accuracy")), PALETTE[0], ""
        )
        for metric, name, colour in (("test_loss", "test", 1), ("train_loss", "train", 0)):
            found = by_strength(runs, _size, partial(late, metric=metric))
            plot_strengths(middle, *found, PALETTE[colour], name)
        chosen = sorted(groups(runs), key=lambda group: _size(group.runs[0]))
        for group, colour in zip(chosen, sequence(len(chosen)), strict=True):
            label = f"{_size(group.runs[0]):g}"
            plot_metric(right, group, "train_loss", label=label, color=colour, linewidth=1.2)
        sizes = sorted({_size(run) for run in runs})
        for axes in (left, middle):
            axes.set_xscale("log", base=2)
            axes.set_xticks(sizes, [f"{size:g}" for size in sizes], fontsize=8)
            axes.set_xlabel("batch size")
        left.set(title="Test accuracy", ylabel="mean over the last tenth of training")
        middle.set(title="Cross-entropy at the end", yscale="log")
        middle.legend()
        right.set(title="Train loss", xlabel="epoch", yscale="log")
        right.legend(title="batch size", fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
        return figure

    def caption(self, runs: Runs) -> str:
        """Accuracy at the ends and at the best size."""
        sizes, found = by_strength(runs, _size, lambda r: late(r, "test_accuracy"))
        means = [each.mean() for each in found]
        best = max(range(len(means)), key=lambda at: means[at])
        return (
            "Left: test accuracy over the batch size, mean and single seeds, all trained for the "
            "same number of epochs. Middle: losses at the end. Right: train loss over epochs. Test "
            f"accuracy is {means[0]:.2%} for batches of {sizes[0]:g}, {means[-1]:.2%} for "
            f"{sizes[-1]:g}, and best ({means[best]:.2%}) for {sizes[best]:g}."
            + dataset_note(runs, "mnist")
        )
