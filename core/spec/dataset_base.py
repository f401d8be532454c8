"""What every dataset says of itself before its files are read."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from reglab.core.spec.base import SpecModel

# Fields of wrong labels.
NOISE = ("label_noise", "label_noise_kind")


class DatasetBase(SpecModel):
    """Facts that are known without loading any file.

    Attributes:
        n_features: Number of inputs of the network.
        n_classes: Number of classes.
        class_names: One name per class, or empty where only the files tell.
        image_shape: (rows, columns) of an image, or None.
        is_drawn: Whether the test examples are drawn from the run's seed.
        training_only: Fields that leave it the same which examples are tested, and their labels.
    """

    n_features: ClassVar[int]
    n_classes: ClassVar[int]
    class_names: ClassVar[tuple[str, ...]] = ()
    image_shape: ClassVar[tuple[int, int] | None] = None
    is_drawn: ClassVar[bool] = False
    training_only: ClassVar[frozenset[str]] = frozenset({"train_size", *NOISE})

    label_noise: float = Field(
        default=0.0,
        ge=0,
        le=1,
        # Specs without it keep the content keys of a time when there was no such field.
        exclude_if=lambda value: value == 0,
        description="Share of the training labels that are shuffled among their examples. With 1 "
        "the labels say nothing about the inputs (Zhang et al., 2017).",
        examples=[1.0],
    )
    label_noise_kind: Literal["shuffled", "random", "symmetric", "pairwise"] = Field(
        default="shuffled",
        exclude_if=lambda value: value == "shuffled",
        description="What happens to that share of the labels: 'shuffled' among their examples; "
        "'random': drawn uniformly from all classes; 'symmetric': from the other classes; "
        "'pairwise': replaced by the next class (Patrini et al., 2017).",
        examples=["symmetric"],
    )

    @property
    def is_resolved(self) -> bool:
        """Whether the shapes are known."""
        return True

    @property
    def draws_training(self) -> bool:
        """Whether the training examples are drawn from the run's seed."""
        return self.is_drawn

    @property
    def n_train(self) -> int:
        """Number of training examples."""
        size: int = self.train_size  # type: ignore[attr-defined]
        return size

    @property
    def n_test(self) -> int:
        """Number of test examples."""
        size: int = self.test_size  # type: ignore[attr-defined]
        return size
