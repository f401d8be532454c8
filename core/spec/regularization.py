"""The regularizers; a new one is a field here and a file in ``core.regularizers``."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from reglab.core.spec.augmentation import Augmentation
from reglab.core.spec.base import SpecModel, is_off
from reglab.core.spec.probes import ValidationSize


class EarlyStopping(SpecModel):
    """Ends training once the loss on held-out training examples stops falling."""

    patience: int = Field(
        default=10,
        ge=1,
        le=1_000_000,
        description="Evaluations in a row without improvement after which training ends.",
        examples=[10],
    )
    min_delta: float = Field(
        default=0.0,
        ge=0,
        description="A validation loss must be lower by more than this to improve.",
    )
    validation_size: ValidationSize = Field(
        default=0.2,
        description="Training examples held out: below 1 a share of them, from 1 on a number.",
        examples=[0.2, 250],
    )
    restore_best: bool = Field(
        default=True,
        description="End with the parameters of the last improvement, which have the lowest "
        "validation loss up to min_delta, rather than with those of the last epoch.",
    )


class Regularization(SpecModel):
    """The regularizers; zero or null turns one off."""

    l2: float = Field(
        default=0.0,
        ge=0,
        le=1e3,
        description="L2 weight decay lambda: adds lambda * theta to the update, biases too.",
        examples=[0.0025],
    )
    l1: float = Field(
        default=0.0,
        ge=0,
        le=1e3,
        description="L1 weight decay lambda: adds lambda * sign(theta), with sign(0) = 0.",
        examples=[0.0005],
    )
    l1_method: Literal["subgradient", "proximal"] = Field(
        default="subgradient",
        description="'proximal' applies the soft threshold, which gives exact zeros.",
    )
    l2_convention: Literal["update", "penalty"] = Field(
        default="update",
        exclude_if=lambda value: value == "update",
        description="What l2 is: 'update' adds l2 * theta to each update; 'penalty' adds "
        "l2 / (2 N) * |theta|^2 to the mean loss of N training examples, whose gradient is "
        "l2 / N * theta.",
    )
    decay_biases: bool = Field(
        default=True,
        exclude_if=lambda value: value is True,
        description="Whether L2 and L1 decay act on biases too, or on weights alone.",
    )
    max_norm: float | None = Field(
        default=None,
        gt=0,
        le=1e6,
        exclude_if=is_off,
        description="Largest Euclidean norm of the weights that lead to a hidden unit; longer ones "
        "are shortened after each update (Srivastava et al., 2014).",
        examples=[3.0],
    )
    confidence_penalty: float = Field(
        default=0.0,
        ge=0,
        le=100,
        exclude_if=is_off,
        description="Adds minus this times the entropy of the answers to the loss (Pereyra et al., "
        "2017).",
        examples=[0.1],
    )
    dropout: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Probability that a hidden activation is dropped (inverted dropout).",
        examples=[0.4],
    )
    dropout_mask: Literal["batch", "example"] = Field(
        default="batch", description="One mask per batch, or one for each example of the batch."
    )
    dropout_input: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        exclude_if=is_off,
        description="Probability that an input is set to zero in training, after augmentation; "
        "the others are divided by 1 minus it. Each example has a mask of its own.",
        examples=[0.2],
    )
    label_smoothing: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Smoothing epsilon of the training labels.",
        examples=[0.015],
    )
    label_smoothing_mode: Literal["others", "uniform"] = Field(
        default="others",
        description="'others': 1-eps on the label, eps/(K-1) elsewhere; 'uniform': eps/K on all.",
    )
    augmentation: Augmentation | None = Field(
        default=None,
        description="Augmentation of the training examples; a name alone selects its defaults.",
        examples=[{"name": "shift"}],
    )
    early_stopping: EarlyStopping | None = Field(
        default=None,
        description="Hold out part of the training set and stop when its loss no longer falls.",
        examples=[{"patience": 10}],
    )

    @field_validator("augmentation", mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value
