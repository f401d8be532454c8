"""Masked language modelling: masks drawn once against masks drawn anew."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure as Canvas

from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.grouping import Group, plot_metric
from reglab.core.figures.style import GREY, PALETTE, Style, canvas
from reglab.core.results import RunResult


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


class MaskedText(Figure):
    """Losses and accuracy of fixed and of resampled masks."""

    name = "masked-text"
    title = "Masked language modelling with fixed and resampled masks"

    def applies(self, runs: Runs) -> str | None:
        """Needs text runs of both kinds."""
        if runs and all(_is_text(run) for run in runs) and all(sides(runs)):
            return None
        return (
            "It needs runs on masked_text with and without the augmentation 'masking', as the "
            "preset 'masked-text'."
        )

    def draw(self, runs: Runs, style: Style) -> Canvas:
        """Left: losses. Middle: test accuracy. Right: least and last test loss of every share."""
        figure = canvas(style, 13, 4.2)
        left, middle, right = figure.subplots(1, 3)
        for side, name, colour in zip(sides(runs), ("fixed", "resampled"), PALETTE, strict=False):
            group = Group({}, side)
            plot_metric(left, group, "test_loss", color=colour, label=f"{name}, unseen text")
            plot_metric(
                left, group, "train_loss", color=colour, ls=":", label=f"{name}, first masks"
            )
            plot_metric(middle, group, "test_accuracy", color=colour, label=name)
        unigram = sides(runs)[0][0].summary.get("provenance", {}).get("unigram_loss")
        if unigram is not None:
            left.axhline(unigram, color=GREY, linestyle="--", label="word frequencies alone")
        left.set(title="Cross-entropy of the masked words", xlabel="epoch", ylabel="nats")
        left.set_ylim(0, 1.25 * (unigram or 6))
        left.legend(fontsize=8, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.14))
        middle.set(title="Accuracy on unseen text", xlabel="epoch")
        middle.legend(fontsize=8)
        shares = sorted({_selected(run) for run in runs})
        for at, share in enumerate(shares):
            part = [run for run in runs if _selected(run) == share]
            for side, offset, colour in zip(sides(part), (-0.18, 0.18), PALETTE, strict=False):
                least = [float(run.curves["test_loss"].min()) for run in side]
                right.bar(at + offset, np.mean(least), 0.32, color=colour, alpha=0.85)
                right.plot(np.full(len(least), at + offset), least, ".", color="#222222", ms=5)
        right.set_xticks(range(len(shares)), [f"{share:.0%} selected" for share in shares])
        right.set_title("Least loss on unseen text")
        right.grid(axis="x", visible=False)
        return figure

    def caption(self, runs: Runs) -> str:
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
            f"selected. Loss on unseen text, nats: {'; '.join(told)}."
        )
