"""Early stopping on a validation split against the oracle, which knows the test loss."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from reglab.core.errors import NotMeasurableError
from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.grouping import (
    Group,
    dataset_note,
    groups,
    loss_name,
    need_only,
    seeds_of,
)
from reglab.core.figures.lines import Line, plot_lines
from reglab.core.figures.style import GREY, PALETTE, Style, canvas
from reglab.core.results import RunResult

PATH = "regularization.early_stopping.patience"
RESTORE = "regularization.early_stopping.restore_best"


@dataclass(frozen=True)
class Outcome:
    """Where one rule ends, over replicates; each (R,)."""

    name: str
    loss: np.ndarray
    epochs: np.ndarray


@dataclass(frozen=True)
class Rules:
    """Runs that went on to the end, and what each patience kept.

    Attributes:
        whole: One run for each seed that was not stopped.
        stopped: Sweep points of which a seed at least was stopped, by rising patience.
    """

    whole: list[RunResult]
    stopped: list[Group]

    @property
    def outcomes(self) -> list[Outcome]:
        """The oracle, every patience by rising value, and no stop."""
        best = [oracle(run) for run in self.whole]
        found = [Outcome("oracle", np.array([b[1] for b in best]), np.array([b[0] for b in best]))]
        for group in self.stopped:
            loss = [run.summary["final"]["test_loss"] for run in group.runs]
            epochs = [_summary(run)["last_epoch"] for run in group.runs]
            name = f"patience {_patience(group.runs[0])}"
            found.append(Outcome(name, np.array(loss), np.array(epochs)))
        last = np.array([run.curves["test_loss"][-1] for run in self.whole])
        length = np.array([run.curves["epoch"][-1] for run in self.whole])
        return [*found, Outcome("no stop", last, length)]


def _summary(run: RunResult) -> dict[str, Any]:
    return run.summary.get("early_stopping") or {}


def _was_stopped(run: RunResult) -> bool:
    return bool(_summary(run).get("stopped"))


def oracle(run: RunResult) -> tuple[int, float]:
    """Epoch and value of the lowest test loss of a run that was not stopped."""
    at = int(run.curves["test_loss"].argmin())
    return int(run.curves["epoch"][at]), float(run.curves["test_loss"][at])


def _patience(run: RunResult) -> int:
    wanted = run.spec.regularization.early_stopping
    assert wanted is not None
    return wanted.patience


def rules(runs: Runs) -> Rules:
    """Of one experiment over the patience, what its rules did."""
    used = [run for run in runs if _summary(run) and "validation_loss" in run.curves]
    chosen = sorted(groups(used), key=lambda group: _patience(group.runs[0]))
    whole: dict[int, RunResult] = {}
    # Runs that were not stopped are alike whatever their patience: one for each seed counts.
    for run in (run for group in reversed(chosen) for run in group.runs):
        if not _was_stopped(run):
            whole.setdefault(run.seed, run)
    stopped = [group for group in chosen if any(map(_was_stopped, group.runs))]
    if not whole or not stopped:
        raise NotMeasurableError(
            "It needs runs that early stopping ended and one that it did not end (a large "
            "patience), as the preset 'early-stopping-validation'."
        )
    # Of runs that went on it does not matter what they would have kept.
    need_only(used, "a sweep of the patience alone", PATH, RESTORE)
    need_only([run for group in stopped for run in group.runs], "a sweep of the patience", PATH)
    return Rules([whole[seed] for seed in sorted(whole)], stopped)


class ValidationStopping(Figure[Rules]):
    """Curves of a run that goes on, and what each patience ends with."""

    name = "early-stopping-validation"
    title = "Early stopping on a validation split"

    def measure(self, runs: Runs) -> Rules:
        """Stopped runs, and those that trained to the end with the same split."""
        return rules(runs)

    def draw(self, found: Rules, style: Style) -> Canvas:
        """Left: losses over epochs. Right: test loss by rule, a point per seed."""
        outcomes = found.outcomes
        figure = canvas(style, 12 + 0.5 * max(0, len(outcomes) - 6), 4.6)
        left, right = figure.subplots(1, 2, width_ratios=(1.35, 1))
        self._curves(left, found)
        self._rules(right, outcomes, style, loss_name(found.whole))
        return figure

    def _curves(self, axes: Axes, found: Rules) -> None:
        run = found.whole[0]
        alone = Group({}, [run])
        metrics = (
            ("train_loss", "train"),
            ("validation_loss", "validation"),
            ("test_loss", "test"),
        )
        lines = [
            Line(alone, metric, {"label": name, "color": colour})
            for (metric, name), colour in zip(metrics, PALETTE, strict=False)
        ]
        plot_lines(axes, lines)
        epoch, least = oracle(run)
        axes.axvline(epoch, color=GREY, linestyle="--", label=f"oracle, epoch {epoch}")
        same = [r for group in found.stopped for r in group.runs if r.seed == run.seed]
        kept = [r for r in same if _was_stopped(r)]
        looks = itertools.cycle(("-.", ":", (0, (1, 4)), (0, (5, 1, 1, 1, 1, 1))))
        for other, line in zip(kept, looks, strict=False):
            best = int(_summary(other)["best_epoch"])
            label = f"patience {_patience(other)}: keeps epoch {best}"
            axes.axvline(best, color=PALETTE[3], linestyle=line, label=label)
        quarter = float(run.curves["test_loss"][len(run.curves["epoch"]) // 4])
        axes.set_ylim(0, 1.6 * max(quarter, least, 1e-12))
        axes.set_title(f"One run without a stop (seed {run.seed})")
        axes.set_xlabel("epoch")
        axes.set_ylabel(loss_name(found.whole))
        axes.legend(fontsize=8, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.13))

    def _rules(self, axes: Axes, found: list[Outcome], style: Style, loss: str) -> None:
        at = np.arange(len(found))
        means = [outcome.loss.mean() for outcome in found]
        colours = [GREY, *[PALETTE[3]] * (len(found) - 2), PALETTE[1]]
        axes.bar(at, means, color=colours, width=0.62, alpha=0.85)
        for x, outcome in zip(at, found, strict=True):
            axes.plot(np.full(len(outcome.loss), x), outcome.loss, ".", color=style.ink, ms=5)
            axes.annotate(
                f"{outcome.epochs.mean():.0f}\nepochs",
                (x, 0),
                (0, 5),
                textcoords="offset points",
                ha="center",
                fontsize=8,
                color="white",
            )
        names = [outcome.name.replace(" ", "\n") for outcome in found]
        axes.set_xticks(at, names, fontsize=8)
        axes.set_title("Test loss of the network that is kept")
        axes.set_ylabel(f"test {loss}")
        axes.grid(axis="x", visible=False)

    def caption(self, found: Rules) -> str:
        """Mean test losses by rule."""
        listed = ", ".join(f"{o.loss.mean():.3f} ({o.name})" for o in found.outcomes)
        sets = [found.whole, *(group.runs for group in found.stopped)]
        return (
            f"Left: losses of one run that does not stop (seed {found.whole[0].seed}); "
            "dashed: the lowest test loss, at which an oracle would stop; other vertical "
            "lines: the "
            "epochs that early stopping keeps. Right: test loss of the kept network of "
            "each rule, mean over "
            f"{seeds_of(sets)} (points): {listed}. Bars are marked with the epochs trained."
            + dataset_note(found.whole, "fashion_mnist")
        )
