"""Masked language modelling: masks drawn once against masks drawn anew."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure as Canvas

from reglab.core.errors import NotMeasurableError
from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.grouping import (
    Group,
    distinct,
    mean_note,
    need_only,
    seeds_note,
)
from reglab.core.figures.lines import Line, plot_lines
from reglab.core.figures.style import GREY, PALETTE, Style, canvas
from reglab.core.results import RunResult

SELECTED, MASKING = "dataset.selected", "regularization.augmentation"


def _is_text(run: RunResult) -> bool:
    return run.spec.dataset.name == "masked_text"


def sides(runs: Runs) -> tuple[list[RunResult], list[RunResult]]:
    """Runs with fixed and with resampled masks, of the smallest selected share."""
    share = min(_selected(run) for run in runs)
    chosen = [run for run in runs if _selected(run) == share]
    fixed = [run for run in chosen if run.spec.regularization.augmentation is None]
    return fixed, [run for run in chosen if run.spec.regularization.augmentation is not None]


def _selected(run: RunResult) -> float:
    return float(getattr(run.spec.dataset, "selected", 0.0))


class MaskedText(Figure[list[RunResult]]):
    """Losses and accuracy of fixed and of resampled masks."""

    name = "masked-text"
    title = "Masked language modelling with fixed and resampled masks"

    def measure(self, runs: Runs) -> list[RunResult]:
        """Text runs of both kinds."""
        if not (runs and all(_is_text(run) for run in runs) and all(sides(runs))):
            raise NotMeasurableError(
                "It needs runs on masked_text with and without the augmentation 'masking', as the "
                "preset 'masked-text'."
            )
        need_only(runs, "both kinds of masks by the share selected", SELECTED, MASKING)
        resampled = [run for run in runs if run.spec.regularization.augmentation is not None]
        need_only(resampled, "one kind of resampled masks", SELECTED)
        return distinct(runs)

    def draw(self, runs: list[RunResult], style: Style) -> Canvas:
        """Left: losses. Middle: test accuracy. Right: least and last test loss of every share."""
        figure = canvas(style, 13, 4.2)
        left, middle, right = figure.subplots(1, 3)
        losses, accuracies = [], []
        for side, name, colour in zip(sides(runs), ("fixed", "resampled"), PALETTE, strict=False):
            group = Group({}, side)
            unseen = {"color": colour, "label": f"{name}, unseen text"}
            first = {"color": colour, "label": f"{name}, first masks", "linestyle": ":"}
            losses += [Line(group, "test_loss", unseen), Line(group, "train_loss", first)]
            accuracies.append(Line(group, "test_accuracy", {"color": colour, "label": name}))
        plot_lines(left, losses)
        plot_lines(middle, accuracies)
        unigram = sides(runs)[0][0].summary.get("provenance", {}).get("unigram_loss")
        if unigram is not None:
            left.axhline(unigram, color=GREY, linestyle="--", label="word frequencies alone")
        left.set(title="Cross-entropy of the masked words", xlabel="epoch", ylabel="nats")
        # Early losses of untrained networks would flatten the rest; what is drawn stays in sight.
        lowest = max(float(line.group.curve(line.metric)[1].min()) for line in losses)
        left.set_ylim(0, max(1.25 * (unigram or 6), 1.1 * lowest))
        left.legend(fontsize=8, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.14))
        middle.set(title="Accuracy on unseen text", xlabel="epoch")
        middle.legend(fontsize=8)
        shares = sorted({_selected(run) for run in runs})
        for at, share in enumerate(shares):
            part = [run for run in runs if _selected(run) == share]
            for side, offset, colour in zip(sides(part), (-0.18, 0.18), PALETTE, strict=False):
                if not side:
                    continue
                least = [float(run.curves["test_loss"].min()) for run in side]
                right.bar(at + offset, np.mean(least), 0.32, color=colour, alpha=0.85)
                right.plot(np.full(len(least), at + offset), least, ".", color=style.ink, ms=5)
        right.set_xticks(range(len(shares)), [f"{share:.0%} selected" for share in shares])
        right.set_title("Least loss on unseen text")
        right.grid(axis="x", visible=False)
        return figure

    def caption(self, runs: list[RunResult]) -> str:
        """Losses of both kinds."""
        told = []
        for side, name in zip(sides(runs), ("fixed", "resampled"), strict=True):
            least = np.mean([run.curves["test_loss"].min() for run in side])
            last = np.mean([run.curves["test_loss"][-1] for run in side])
            right = np.mean([run.curves["test_accuracy"].max() for run in side])
            told.append(f"{name}: least {least:.2f}, last {last:.2f}, accuracy up to {right:.1%}")
        return (
            f"Prediction of masked words ({_selected(sides(runs)[0][0]):.0%} selected) from three "
            "words on either side. Left: loss on unseen text, and on the first epoch's masks; "
            "middle: accuracy on unseen text; right: least loss on unseen text by the share "
            f"selected. Loss on unseen text, nats{mean_note(sides(runs))}: {'; '.join(told)}."
            + seeds_note([Group({}, side) for side in sides(runs)])
        )
