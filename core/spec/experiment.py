"""The experiment spec: what a user submits, and the resolved spec of each of its runs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from reglab.core.spec.base import SpecModel, fault
from reglab.core.spec.dataset import DATASETS, DatasetSpec
from reglab.core.spec.optimizer import OptimizerSpec, with_default_name
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
    activation: Literal["tanh", "relu", "identity", "leaky_relu", "sigmoid", "gelu"] = Field(
        default="tanh",
        description="Non-linearity after each hidden layer. The leaky ReLU multiplies negative "
        "numbers by 0.01; the GELU is the exact one, z P(N(0, 1) < z).",
    )
    init: Literal[
        "lecun_normal",
        "lecun_uniform",
        "glorot_normal",
        "glorot_uniform",
        "he_normal",
        "he_uniform",
        "torch",
    ] = Field(
        default="lecun_normal",
        exclude_if=lambda value: value == "lecun_normal",
        description="Distribution of the initial weights, of mean 0. Their variance is 1 / n_in "
        "(LeCun), 2 / (n_in + n_out) (Glorot) or 2 / n_in (He); 'torch' is what PyTorch's Linear "
        "has: weights and biases uniform within 1 / sqrt(n_in).",
        examples=["he_normal"],
    )
    init_biases: Literal["by_init", "zero", "uniform"] = Field(
        default="by_init",
        exclude_if=lambda value: value == "by_init",
        description="Initial biases: zero; uniform within 1 / sqrt(n_in); or as the distribution "
        "of the weights has it, which is zero for all but 'torch'.",
        examples=["zero"],
    )
    init_scale: float = Field(
        default=1.0,
        ge=0,
        le=1e3,
        exclude_if=lambda value: value == 1,
        description="Factor of all initial weights and biases.",
        examples=[2.0],
    )
    output_scale: float = Field(
        default=1.0,
        ge=0,
        le=1e3,
        exclude_if=lambda value: value == 1,
        description="Further factor of the initial weights and biases of the output layer.",
        examples=[0.1],
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
        for at, width in enumerate(self.hidden):
            if not 1 <= width <= 4096:
                detail, remedy = f"Got {width}.", "Each layer has from 1 to 4096 units."
                raise fault(f"hidden[{at}]", detail=detail, remedy=remedy)
        return self


class Training(SpecModel):
    """Length, batch size and evaluation interval of a training."""

    epochs: int = Field(ge=1, le=1_000_000, description="Number of passes over the training set.")
    batch_size: int = Field(
        ge=1,
        le=60_000,
        description="Number of examples per update; the last batch of an epoch may be smaller.",
    )
    eval_every: int = Field(
        default=1,
        ge=1,
        description="Epochs between evaluations; the first and last are always evaluated.",
    )

    def batches(self, examples: int) -> int:
        """Updates in a pass over so many examples; the last may be of a short batch."""
        return -(-examples // self.batch_size)

    def is_evaluated(self, epoch: int) -> bool:
        """Whether the losses are measured after this epoch; 0 is before the first."""
        return epoch % self.eval_every == 0 or epoch == self.epochs

    def evaluations(self) -> int:
        """How often they are measured, if training does not end early."""
        return 1 + -(-self.epochs // self.eval_every)


class RunSpec(SpecModel):
    """One resolved training. Together with a seed it determines the result bit by bit."""

    dataset: DatasetSpec = Field(description="The dataset.")
    model: Model = Field(default_factory=Model, description="The network.")
    optimizer: OptimizerSpec = Field(description="The optimizer and its schedule.")
    regularization: Regularization = Field(
        default_factory=Regularization, description="The regularizers."
    )
    training: Training = Field(description="Number of epochs, batch size and evaluations.")
    probes: Probes = Field(
        default_factory=Probes, description="Measurements in addition to the curves."
    )

    @field_validator("optimizer", mode="before")
    @classmethod
    def _sgd_by_default(cls, value: Any) -> Any:
        return with_default_name(value)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        self._check_layers()
        if not self.dataset.is_resolved:
            return self
        self._check_augmentation()
        self._check_probes()
        self._check_validation()
        self._check_warmup()
        self._check_penalties()
        return self

    def _check_penalties(self) -> None:
        chosen, loss = self.regularization, self.model.loss
        if chosen.confidence_penalty and loss == "squared":
            raise fault(
                "regularization.confidence_penalty",
                "model.loss",
                detail="It needs probabilities, and model.loss is 'squared'.",
                remedy="Set it to 0, or model.loss to 'cross_entropy'.",
            )
        optimizer = self.optimizer
        is_plain = optimizer.name == "sgd" and not optimizer.momentum
        decoupled = not is_plain and getattr(optimizer, "decoupled", False)
        if chosen.l2 and chosen.l2_convention == "penalty" and decoupled:
            raise fault(
                "regularization.l2_convention",
                "optimizer.decoupled",
                detail="A penalty is part of the loss, and with decoupled decay it is not in the "
                "gradient.",
                remedy="Set optimizer.decoupled to false, or l2_convention to 'update'.",
            )
        for name, does in (("clip_norm", "clips"), ("sam", "climbs along")):
            if chosen.l2 and chosen.l2_convention == "penalty" and getattr(optimizer, name, None):
                raise fault(
                    "regularization.l2_convention",
                    f"optimizer.{name}",
                    detail=f"A penalty is part of the loss, and optimizer.{name} {does} the "
                    "gradient without it.",
                    remedy=f"Set optimizer.{name} to null, or l2_convention to 'update'.",
                )

    def _check_warmup(self) -> None:
        warmup = self.optimizer.schedule.warmup
        if warmup and warmup >= self.steps():
            raise fault(
                "optimizer.schedule.warmup",
                "training.epochs",
                detail=f"The warm-up takes {warmup} updates, and the training has {self.steps()}.",
                remedy="Shorten the warm-up, or train for more epochs.",
            )

    def _check_augmentation(self) -> None:
        augmentation = self.regularization.augmentation
        if augmentation is None:
            return
        paths = ("regularization.augmentation", "dataset.name")
        detail = f"The augmentation '{augmentation.name}' needs "
        if augmentation.needs_images and self.dataset.image_shape is None:
            raise fault(
                *paths,
                detail=f"{detail}images, and '{self.dataset.name}' has none.",
                remedy="Set it to null, or choose an image dataset.",
            )
        if augmentation.needs_text and self.dataset.name != "masked_text":
            raise fault(
                *paths,
                detail=f"{detail}the dataset 'masked_text', not '{self.dataset.name}'.",
                remedy="Set it to null, or change dataset.name.",
            )

    def _check_layers(self) -> None:
        if self.model.hidden:
            return
        chosen = self.regularization
        wanted = {
            "regularization.dropout": chosen.dropout > 0,
            "regularization.max_norm": chosen.max_norm is not None,
        }
        for name, probe in self.probes.wanted().items():
            wanted[f"probes.{name}"] = probe.needs_hidden_layer
        for path in (path for path, is_on in wanted.items() if is_on):
            raise fault(
                path,
                "model.hidden",
                detail="It needs at least one hidden layer, and model.hidden is empty.",
                remedy="Turn it off, or give model.hidden a layer.",
            )

    def _check_probes(self) -> None:
        for name, probe in self.probes.wanted().items():
            path, loss = f"probes.{name}", self.model.loss
            if probe.needs_plane and self.dataset.n_features != 2:
                planes = [f"'{name}'" for name, kind in DATASETS.items() if kind.n_features == 2]
                raise fault(
                    path,
                    "dataset.name",
                    detail=f"It needs a dataset in the plane, and '{self.dataset.name}' has "
                    f"{self.dataset.n_features} features.",
                    remedy=f"Set it to null, or use {' or '.join(planes)}.",
                )
            if probe.needs_two_classes and self.dataset.n_classes != 2:
                raise fault(
                    path,
                    "dataset.name",
                    detail=f"It needs a dataset of two classes, and '{self.dataset.name}' has "
                    f"{self.dataset.n_classes}.",
                    remedy="Set it to null, or use a dataset of two classes.",
                )
            if probe.needs_loss not in (None, loss):
                why = "It needs probabilities" if loss == "squared" else "It needs squared loss"
                raise fault(
                    path,
                    "model.loss",
                    detail=f"{why}, and model.loss is '{loss}'.",
                    remedy=f"Set it to null, or model.loss to '{probe.needs_loss}'.",
                )

    def validation_count(self) -> int:
        """Training examples that are held out for early stopping or a temperature, or 0."""
        for wanted in (self.regularization.early_stopping, self.probes.temperature):
            if wanted is not None:
                size = wanted.validation_size
                return int(size) if size >= 1 else max(1, round(size * self.dataset.n_train))
        return 0

    def train_count(self) -> int:
        """Training examples that are trained on: those that are not held out."""
        return self.dataset.n_train - self.validation_count()

    def steps_per_epoch(self) -> int:
        """Updates per epoch."""
        return self.training.batches(self.train_count())

    def steps(self) -> int:
        """Updates of the whole training, if it does not end early."""
        return self.training.epochs * self.steps_per_epoch()

    def dropout_rates(self) -> list[float]:
        """The dropout rate of each hidden layer."""
        rate = self.regularization.dropout
        return [rate] * len(self.model.hidden)

    def parameter_count(self) -> int:
        """Weights and biases of the network."""
        return parameter_count(self.widths())

    def _check_validation(self) -> None:
        sizes = {
            f"{place}.validation_size": part.validation_size
            for place, part in (
                ("regularization.early_stopping", self.regularization.early_stopping),
                ("probes.temperature", self.probes.temperature),
            )
            if part is not None
        }
        if not sizes:
            return
        first = next(iter(sizes))
        if getattr(self.regularization.augmentation, "needs_text", False):
            raise fault(
                "regularization.augmentation",
                first,
                detail="A validation split cannot be held out of a text whose masks are drawn "
                "anew.",
                remedy="Set it to null.",
            )
        if len(set(sizes.values())) > 1:
            given = " and ".join(f"{size:g}" for size in sizes.values())
            raise fault(
                *sizes,
                detail=f"There is one validation split, and its size is given as {given}.",
                remedy=f"Give {' and '.join(sizes)} the same value.",
            )
        size, count = self.dataset.n_train, self.validation_count()
        if size - count < 2:
            raise fault(
                first,
                "dataset.train_size",
                detail=f"It holds out {count} of the {size} training examples.",
                remedy="Leave at least 2 to train on.",
            )

    def widths(self) -> list[int]:
        """Layer widths from input to output, e.g. ``[2, 64, 64, 2]``."""
        return [self.dataset.n_features, *self.model.hidden, self.dataset.n_classes]


def parameter_count(widths: Sequence[int]) -> int:
    """Weights and biases of a network of these layer widths, from input to output."""
    return sum((n_in + 1) * n_out for n_in, n_out in itertools.pairwise(widths))


class ExperimentSpec(RunSpec):
    """A run spec with a sweep over some of its fields and a list of seeds."""

    name: str = Field(default="", max_length=200, description="Name of the experiment.")
    tags: list[str] = Field(
        default_factory=list, max_length=32, description="Tags of the experiment."
    )
    sweep: dict[str, list[Any]] = Field(
        default_factory=dict,
        description="Values by dotted path; several paths form a grid in which the last path "
        "varies fastest.",
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
        for at, tag in enumerate(self.tags):
            if not 1 <= len(tag) <= 64:
                detail, remedy = f"Got {len(tag)} characters.", "A tag has from 1 to 64."
                raise fault(f"tags[{at}]", detail=detail, remedy=remedy)
        first: dict[int, int] = {}
        for at, seed in enumerate(self.seeds):
            if not 0 <= seed < 2**63:
                detail, remedy = f"Got {seed}.", "A seed is from 0 to 2**63 - 1."
                raise fault(f"seeds[{at}]", detail=detail[:80], remedy=remedy)
            if first.setdefault(seed, at) != at:
                detail = f"The seed {seed} is there already, at seeds[{first[seed]}]."
                raise fault(f"seeds[{at}]", detail=detail, remedy="List each seed once.")
        return self
