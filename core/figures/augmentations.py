"""What augmentations do to images, and to test accuracy."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from reglab.core.errors import NotMeasurableError
from reglab.core.figures.base import Figure, Runs
from reglab.core.figures.batch_size import late
from reglab.core.figures.grouping import dataset_note, groups, mean_note, need_only
from reglab.core.figures.lines import wrapped
from reglab.core.figures.style import GREY, PALETTE, Style, canvas, plain
from reglab.core.results import RunResult
from reglab.core.spec.points import labels

NONE = "none"
AFTER, BEFORE = "augmentation.after", "augmentation.before"
EXAMPLES = 4
PATH = "regularization.augmentation"


def by_augmentation(runs: Runs) -> dict[str, list[RunResult]]:
    """The replicates of each augmentation, in the order of the runs."""
    chosen = groups(runs)
    points = []
    for group in chosen:
        augmentation = group.runs[0].spec.regularization.augmentation
        points.append({PATH: augmentation and augmentation.model_dump(mode="json")})
    prefix = "augmentation = "
    names = [name.removeprefix(prefix).replace("_", " ") for name in labels(points)]
    return {name: group.runs for name, group in zip(names, chosen, strict=True)}


def accuracies(found: dict[str, list[RunResult]]) -> dict[str, NDArray[np.float64]]:
    """Late test accuracy of each augmentation's replicates."""
    return {
        name: np.array([late(run, "test_accuracy") for run in runs]) for name, runs in found.items()
    }


class Augmentations(Figure[dict[str, list[RunResult]]]):
    """Examples of each augmentation above its test accuracy."""

    name = "augmentations"
    title = "Augmentations"

    def measure(self, runs: Runs) -> dict[str, list[RunResult]]:
        """The replicates of image runs without and with at least two augmentations."""
        augmented = [run for run in runs if run.spec.regularization.augmentation is not None]
        shown = all(AFTER in run.arrays for run in augmented)
        kinds = {str(run.spec.regularization.augmentation) for run in augmented}
        if len(kinds) < 2 or len(augmented) == len(runs) or not shown:
            raise NotMeasurableError(
                "It needs runs on images without and with several augmentations, as the preset "
                "'augmentations'."
            )
        need_only(runs, "a sweep of the augmentation alone", PATH)
        return by_augmentation(runs)

    def draw(self, found: dict[str, list[RunResult]], style: Style) -> Canvas:
        """Above: four images of each. Below: accuracy, mean and single seeds."""
        figure = canvas(style, 1.35 * len(found) + 1, 7.6)
        parts = figure.subfigures(2, 1, squeeze=False, height_ratios=(1.35, 1))
        above, below = parts[:, 0]
        panels = above.subplots(EXAMPLES, len(found), squeeze=False)
        augmented = next(runs for name, runs in found.items() if name != NONE)
        for column, (name, runs) in enumerate(found.items()):
            run = (augmented if name == NONE else runs)[0]
            self._examples(panels[:, column], run, BEFORE if name == NONE else AFTER)
            panels[0, column].set_title(wrapped(name), fontsize=10)
        self._accuracies(below.subplots(), accuracies(found), style)
        return figure

    def _examples(self, panels: NDArray[np.object_], run: RunResult, key: str) -> None:
        shape = run.spec.dataset.image_shape
        assert shape is not None
        for axes in panels:
            plain(axes)
        for image, axes in zip(run.arrays[key], panels, strict=False):
            pixels = image.reshape(shape)
            axes.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest")

    def _accuracies(self, axes: Axes, found: dict[str, NDArray[np.float64]], style: Style) -> None:
        at = np.arange(len(found))
        means = np.array([values.mean() for values in found.values()])
        colours = [GREY if name == NONE else PALETTE[0] for name in found]
        axes.bar(at, means, color=colours, width=0.6, alpha=0.85)
        for x, values in zip(at, found.values(), strict=True):
            axes.plot(np.full(len(values), x), values, ".", color=style.ink, ms=5)
            label = f"{values.mean():.1%}"
            axes.annotate(label, (x, values.max()), (0, 5), textcoords="offset points", ha="center")
        lowest = min(float(values.min()) for values in found.values())
        axes.set_ylim(lowest - 0.02, max(float(values.max()) for values in found.values()) + 0.03)
        axes.set_xticks(at, list(found))
        axes.set_ylabel("test accuracy")
        axes.grid(axis="x", visible=False)

    def caption(self, found: dict[str, list[RunResult]]) -> str:
        """Accuracy of each."""
        told = ", ".join(
            f"{name} {values.mean():.1%}" for name, values in accuracies(found).items()
        )
        sets = list(found.values())
        return (
            "Above: the first training images, each changed by the augmentation (in training it "
            "leaves some alone). Below: test accuracy, mean over the last tenth of training"
            f"{mean_note(sets)}; points: single seeds. {told}." + dataset_note(sets[0], "mnist")
        )
