"""What augmentations do to images, and to test accuracy."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.batch_size import late
from reglab.core.figures.grouping import dataset_note
from reglab.core.figures.style import GREY, PALETTE, Style, canvas, plain
from reglab.core.results import RunResult

NONE = "none"
AFTER, BEFORE = "augmentation.after", "augmentation.before"
EXAMPLES = 4


def _name(run: RunResult) -> str:
    augmentation = run.spec.regularization.augmentation
    return NONE if augmentation is None else augmentation.name.replace("_", " ")


def accuracies(runs: Runs) -> dict[str, NDArray[np.float64]]:
    """Late test accuracy of each augmentation's replicates, in the order of the runs."""
    found: dict[str, list[float]] = {}
    for run in runs:
        found.setdefault(_name(run), []).append(late(run, "test_accuracy"))
    return {name: np.array(values) for name, values in found.items()}


class Augmentations(Figure):
    """Examples of each augmentation above its test accuracy."""

    name = "augmentations"
    title = "Augmentations"

    def applies(self, runs: Runs) -> str | None:
        """Needs image runs without and with at least two augmentations."""
        names = {_name(run) for run in runs}
        shown = all(AFTER in run.arrays for run in runs if _name(run) != NONE)
        if len(names) > 2 and NONE in names and shown:
            return None
        return (
            "It needs runs on images without and with several augmentations, as the preset "
            "'augmentations'."
        )

    def draw(self, runs: Runs, style: Style) -> Canvas:
        """Above: four images of each. Below: accuracy, mean and single seeds."""
        found = accuracies(runs)
        figure = canvas(style, 1.35 * len(found) + 1, 7.6)
        parts = figure.subfigures(2, 1, squeeze=False, height_ratios=(1.35, 1))
        above, below = parts[:, 0]
        panels = above.subplots(EXAMPLES, len(found), squeeze=False)
        for column, name in enumerate(found):
            self._examples(panels[:, column], name, runs)
        self._accuracies(below.subplots(), found)
        return figure

    def _examples(self, panels: NDArray[np.object_], name: str, runs: Runs) -> None:
        key = BEFORE if name == NONE else AFTER
        run = next(r for r in runs if key in r.arrays and name in (NONE, _name(r)))
        shape = run.spec.dataset.image_shape
        assert shape is not None
        for row, axes in enumerate(panels):
            image = run.arrays[key][row].reshape(shape)
            axes.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            plain(axes)
        panels[0].set_title(name, fontsize=10)

    def _accuracies(self, axes: Axes, found: dict[str, NDArray[np.float64]]) -> None:
        at = np.arange(len(found))
        means = np.array([values.mean() for values in found.values()])
        colours = [GREY if name == NONE else PALETTE[0] for name in found]
        axes.bar(at, means, color=colours, width=0.6, alpha=0.85)
        for x, values in zip(at, found.values(), strict=True):
            axes.plot(np.full(len(values), x), values, ".", color="#222222", ms=5)
            label = f"{values.mean():.1%}"
            axes.annotate(label, (x, values.max()), (0, 5), textcoords="offset points", ha="center")
        lowest = min(float(values.min()) for values in found.values())
        axes.set_ylim(lowest - 0.02, min(1.0, means.max() + 0.015))
        axes.set_xticks(at, list(found))
        axes.set_ylabel("test accuracy")
        axes.grid(axis="x", visible=False)

    def caption(self, runs: Runs) -> str:
        """Accuracy of each."""
        found = accuracies(runs)
        told = ", ".join(f"{name} {values.mean():.1%}" for name, values in found.items())
        return (
            "Above: the first training images, each changed by the augmentation (in training it "
            "leaves some alone). Below: test accuracy, mean over the last tenth of training; "
            f"points: single seeds. {told}." + dataset_note(runs, "mnist")
        )
