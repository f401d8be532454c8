"""Early stopping on a validation split against the oracle, which knows the test loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.grouping import Group, dataset_note, groups, plot_metric
from reglab.core.figures.style import GREY, PALETTE, Style, canvas
from reglab.core.results import RunResult


@dataclass(frozen=True)
class Outcome:
    """Where one rule ends, over replicates; each (R,)."""

    name: str
    loss: np.ndarray
    epochs: np.ndarray


def _never_stopped(runs: Runs) -> list[RunResult]:
    return [run for run in runs if _summary(run) and not _summary(run)["stopped"]]


def _summary(run: RunResult) -> dict[str, object]:
    return run.summary.get("early_stopping") or {}


def oracle(run: RunResult) -> tuple[int, float]:
    """Epoch and value of the lowest test loss of a run that was not stopped."""
    at = int(run.curves["test_loss"].argmin())
    return int(run.curves["epoch"][at]), float(run.curves["test_loss"][at])


def outcomes(runs: Runs) -> list[Outcome]:
    """The oracle, every patience by rising value, and no stop."""
    whole = _never_stopped(runs)
    best = [oracle(run) for run in whole]
    found = [Outcome("oracle", np.array([b[1] for b in best]), np.array([b[0] for b in best]))]
    stopped = [
        group for group in groups(runs) if all(_summary(run)["stopped"] for run in group.runs)
    ]
    for group in sorted(stopped, key=_patience):
        loss = [run.summary["final"]["test_loss"] for run in group.runs]
        epochs = [_summary(run)["last_epoch"] for run in group.runs]
        found.append(Outcome(f"patience {_patience(group)}", np.array(loss), np.array(epochs)))
    last = np.array([run.curves["test_loss"][-1] for run in whole])
    length = np.array([run.curves["epoch"][-1] for run in whole])
    return [*found, Outcome("no stop", last, length)]


def _patience(group: Group) -> int:
    wanted = group.runs[0].spec.regularization.early_stopping
    assert wanted is not None
    return wanted.patience


class ValidationStopping(Figure):
    """Curves of a run that goes on, and what each patience ends with."""

    name = "early-stopping-validation"
    title = "Early stopping on a validation split"

    def applies(self, runs: Runs) -> str | None:
        """Needs stopped runs, and one that trained to the end with the same split."""
        whole = _never_stopped(runs)
        if whole and any(_summary(run).get("stopped") for run in runs):
            return None
        return (
            "It needs runs that early stopping ended and one that it did not end (a large "
            "patience), as the preset 'early-stopping-validation'."
        )

    def draw(self, runs: Runs, style: Style) -> Canvas:
        """Left: losses over epochs. Right: test loss by rule, a point a seed."""
        figure = canvas(style, 12, 4.4)
        left, right = figure.subplots(1, 2, width_ratios=(1.35, 1))
        self._curves(left, runs)
        self._rules(right, runs)
        return figure

    def _curves(self, axes: Axes, runs: Runs) -> None:
        run = _never_stopped(runs)[0]
        alone = Group({}, [run])
        metrics = (
            ("train_loss", "train"),
            ("validation_loss", "validation"),
            ("test_loss", "test"),
        )
        for (metric, name), colour in zip(metrics, PALETTE, strict=False):
            plot_metric(axes, alone, metric, label=name, color=colour)
        epoch, _ = oracle(run)
        axes.axvline(epoch, color=GREY, linestyle="--", label=f"oracle, epoch {epoch}")
        same = [r for r in runs if r.seed == run.seed and _summary(r).get("stopped")]
        for other, line in zip(
            sorted(same, key=_best_epoch), ("-.", ":", (0, (1, 4))), strict=False
        ):
            wanted = other.spec.regularization.early_stopping
            assert wanted is not None
            label = f"patience {wanted.patience}: keeps epoch {_best_epoch(other)}"
            axes.axvline(_best_epoch(other), color=PALETTE[3], linestyle=line, label=label)
        axes.set_ylim(0, 1.6 * float(run.curves["test_loss"][len(run.curves["epoch"]) // 4]))
        axes.set_title(f"One run without a stop (seed {run.seed})")
        axes.set_xlabel("epoch")
        axes.set_ylabel("cross-entropy")
        axes.legend(fontsize=8, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.13))

    def _rules(self, axes: Axes, runs: Runs) -> None:
        found = outcomes(runs)
        at = np.arange(len(found))
        means = [outcome.loss.mean() for outcome in found]
        colours = [GREY, *[PALETTE[3]] * (len(found) - 2), PALETTE[1]]
        axes.bar(at, means, color=colours, width=0.62, alpha=0.85)
        for x, outcome in zip(at, found, strict=True):
            axes.plot(np.full(len(outcome.loss), x), outcome.loss, ".", color="#222222", ms=5)
            axes.annotate(
                f"{outcome.epochs.mean():.0f}\nepochs",
                (x, 0),
                (0, 5),
                textcoords="offset points",
                ha="center",
                fontsize=8,
                color="white",
            )
        axes.set_xticks(at, [outcome.name for outcome in found], fontsize=8)
        axes.set_title("Test loss of the network that is kept")
        axes.set_ylabel("test cross-entropy")
        axes.grid(axis="x", visible=False)

    def caption(self, runs: Runs) -> str:
        """Mean test losses by rule."""
        found = outcomes(runs)
        listed = ", ".join(f"{o.loss.mean():.3f} ({o.name})" for o in found)
        return (
            "Left: losses of one run that goes on; dashed: the least test loss, which an oracle "
            "would stop at; other verticals: the epochs that early stopping keeps. Right: test "
            f"loss of the network that each rule keeps, mean over {len(found[0].loss)} seeds "
            f"(points): {listed}. Bars are marked with the epochs trained."
            + dataset_note(runs, "fashion_mnist")
        )


def _best_epoch(run: RunResult) -> int:
    return int(str(_summary(run)["best_epoch"]))
