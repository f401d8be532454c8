"""The experiment spec: what a user submits, and the resolved spec of each of its runs."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from reglab.core.spec.base import SpecModel
from reglab.core.spec.dataset import DatasetSpec
from reglab.core.spec.probes import Probes
from reglab.core.spec.regularization import Regularization


class Model(SpecModel):
    """A fully connected classifier with a linear output layer."""

    hidden: list[int] = Field(
        default=[64, 64],
        max_length=8,
        description="Width of each hidden layer.",
        examples=[[64, 64]],
    )
    activation: Literal["tanh", "relu", "identity"] = Field(
        default="tanh", description="Non-linearity after each hidden layer."
    )
    loss: Literal["cross_entropy", "squared"] = Field(
        default="cross_entropy",
        description=(
            "Cross-entropy of the softmax, or half the squared distance of the outputs to the "
            "one-hot label, summed over classes; the mean over examples is minimized."
        ),
    )

    @model_validator(mode="after")
    def _widths(self) -> Self:
        if any(not 1 <= width <= 4096 for width in self.hidden):
            raise ValueError("Each hidden layer must have from 1 to 4096 units.")
        return self


class Schedule(SpecModel):
    """Power schedule lr_t = lr / (1 + t / tau) ** alpha; t counts updates from 1."""

    lr: float = Field(gt=0, le=100, description="Initial learning rate.", examples=[0.15])
    alpha: float = Field(default=0.0, ge=0, le=10, description="Power; 0 keeps the rate constant.")
    tau: float = Field(
        default=1.0, gt=0, le=1e12, description="Time scale, in updates.", examples=[50000]
    )


class Optimizer(SpecModel):
    """How gradients become updates."""

    name: Literal["sgd", "adam"] = Field(default="sgd", description="Plain SGD, or Adam.")
    schedule: Schedule = Field(description="The learning rate over time.")
    beta1: float = Field(default=0.9, ge=0, lt=1, description="Adam: decay of the first moment.")
    beta2: float = Field(default=0.999, ge=0, lt=1, description="Adam: decay of the second moment.")
    eps: float = Field(
        default=1e-8, gt=0, le=1, description="Adam: added to the root of the second moment."
    )
    decoupled: bool = Field(
        default=True,
        description=(
            "Adam: true applies weight decay beside the adaptive step (AdamW); "
            "false adds it to the gradient (Adam + L2)."
        ),
    )


class Training(SpecModel):
    """How long, in what portions, and how often to look."""

    epochs: int = Field(ge=1, le=1_000_000, description="Passes over the training set.")
    batch_size: int = Field(
        ge=1, le=60_000, description="Examples an update; the last may be short."
    )
    eval_every: int = Field(
        default=1,
        ge=1,
        description="Epochs between evaluations; the first and last are always evaluated.",
    )


class RunSpec(SpecModel):
    """One resolved training: with a seed it determines every bit of the result."""

    dataset: DatasetSpec = Field(description="What to train on.")
    model: Model = Field(default_factory=Model, description="The network.")
    optimizer: Optimizer = Field(description="The optimizer and its schedule.")
    regularization: Regularization = Field(
        default_factory=Regularization, description="The regularizers."
    )
    training: Training = Field(description="Length and batch size.")
    probes: Probes = Field(default_factory=Probes, description="What to measure beyond the curves.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        augmentation = self.regularization.augmentation
        if augmentation and augmentation.needs_images and self.dataset.image_shape is None:
            raise ValueError(
                f"regularization.augmentation '{augmentation.name}' needs images, and "
                f"'{self.dataset.name}' has none; set it to null or "
                "choose an image dataset."
            )
        if augmentation and augmentation.needs_text and self.dataset.name != "masked_text":
            raise ValueError(
                f"regularization.augmentation '{augmentation.name}' needs the dataset "
                f"'masked_text', not '{self.dataset.name}'."
            )
        if self.probes.boundary is not None and self.dataset.n_features != 2:
            raise ValueError(
                f"probes.boundary needs a dataset in the plane, and '{self.dataset.name}' has "
                f"{self.dataset.n_features} features; set it to null or use 'two_moons'."
            )
        if self.regularization.dropout > 0 and not self.model.hidden:
            raise ValueError("regularization.dropout needs at least one hidden layer.")
        for name in ("calibration", "temperature", "mc_dropout"):
            if self.model.loss == "squared" and getattr(self.probes, name) is not None:
                raise ValueError(
                    f"probes.{name} needs probabilities, which a network trained with model.loss "
                    "'squared' does not give; set it to null."
                )
        for name in ("mc_dropout", "norms"):
            if getattr(self.probes, name) is not None and not self.model.hidden:
                raise ValueError(f"probes.{name} needs at least one hidden layer.")
        if self.probes.components is not None and self.model.loss != "squared":
            raise ValueError("probes.components needs model.loss 'squared'.")
        self._check_validation()
        return self

    def validation_count(self) -> int:
        """Training examples that are held out for early stopping or a temperature, or 0."""
        for wanted in (self.regularization.early_stopping, self.probes.temperature):
            if wanted is not None:
                size = wanted.validation_size
                return int(size) if size >= 1 else max(1, round(size * self.dataset.train_size))
        return 0

    def _check_validation(self) -> None:
        size, count = self.dataset.train_size, self.validation_count()
        if count and getattr(self.regularization.augmentation, "needs_text", False):
            raise ValueError(
                "A validation split cannot be held out of a text whose masks are drawn anew; set "
                "regularization.augmentation to null."
            )
        if count and size - count < 2:
            raise ValueError(
                f"validation_size holds out {count} of the {size} training examples; leave at "
                "least 2 to train on."
            )
        stopping, temperature = self.regularization.early_stopping, self.probes.temperature
        if stopping and temperature and stopping.validation_size != temperature.validation_size:
            raise ValueError(
                "There is one validation split: give regularization.early_stopping and "
                "probes.temperature the same validation_size."
            )

    def widths(self) -> list[int]:
        """Layer widths from input to output, e.g. ``[2, 64, 64, 2]``."""
        return [self.dataset.n_features, *self.model.hidden, self.dataset.n_classes]


class ExperimentSpec(RunSpec):
    """A run spec with a sweep over some of its fields and a list of seeds."""

    name: str = Field(default="", max_length=200, description="A name for people.")
    tags: list[str] = Field(default_factory=list, max_length=32, description="Labels to filter by.")
    sweep: dict[str, list[Any]] = Field(
        default_factory=dict,
        description="Values by dotted path; several paths make a grid, the last varying fastest.",
        examples=[{"regularization.l2": [0, 0.0025, 0.005]}],
    )
    seeds: list[int] = Field(
        default=[0],
        min_length=1,
        max_length=1000,
        description="One run for each seed of each sweep point.",
    )

    @model_validator(mode="after")
    def _lists(self) -> Self:
        if any(not 1 <= len(tag) <= 64 for tag in self.tags):
            raise ValueError("Each tag must have from 1 to 64 characters.")
        if any(not 0 <= seed < 2**63 for seed in self.seeds):
            raise ValueError("Each seed must be from 0 to 2**63 - 1.")
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError("Each seed may be listed once.")
        return self
