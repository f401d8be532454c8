"""The regularizers; a new one is a field here and a file in ``core.regularizers``."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from reglab.core.spec.base import SpecModel
from reglab.core.spec.probes import ValidationSize

AUGMENTATION_NAMES = ("shift",)


class ShiftAugmentation(SpecModel):
    """Shifts each batch as a whole, in x and in y, filling with zeros."""

    name: Literal["shift"] = Field(description="Which augmentation.")
    probability: float = Field(0.5, ge=0, le=1, description="Chance that a batch is shifted.")
    pixels: list[int] = Field(
        [-2, -1, 1, 2],
        min_length=1,
        max_length=32,
        description="Shifts, in pixels, from which x and y are drawn with replacement.",
    )

    @field_validator("pixels")
    @classmethod
    def _small(cls, pixels: list[int]) -> list[int]:
        if any(abs(shift) > 27 for shift in pixels):
            raise ValueError("Each shift must be from -27 to 27 pixels.")
        return pixels


class EarlyStopping(SpecModel):
    """Ends training once the loss on held-out training examples stops to fall."""

    patience: int = Field(
        10,
        ge=1,
        le=1_000_000,
        description="Evaluations in a row without improvement after which training ends.",
        examples=[10],
    )
    min_delta: float = Field(
        0.0, ge=0, description="A validation loss must be lower by more than this to improve."
    )
    validation_size: ValidationSize = Field(
        0.2,
        description="Training examples held out: below 1 a share of them, from 1 on a number.",
        examples=[0.2, 250],
    )
    restore_best: bool = Field(
        True, description="End with the parameters of the lowest validation loss, not the last."
    )


class Regularization(SpecModel):
    """What nudges training towards a preferred solution; zero or null turns a method off."""

    l2: float = Field(
        0.0,
        ge=0,
        le=1e3,
        description="L2 weight decay lambda: adds lambda * theta to the update, biases too.",
        examples=[0.0025],
    )
    l1: float = Field(
        0.0,
        ge=0,
        le=1e3,
        description="L1 weight decay lambda: adds lambda * sign(theta), with sign(0) = 0.",
        examples=[0.0005],
    )
    l1_method: Literal["subgradient", "proximal"] = Field(
        "subgradient", description="'proximal' applies the soft threshold, which gives exact zeros."
    )
    dropout: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Chance of each hidden activation to be dropped (inverted dropout).",
        examples=[0.4],
    )
    dropout_mask: Literal["batch", "example"] = Field(
        "batch", description="One mask a batch, or one for each example of the batch."
    )
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="Smoothing epsilon of the training labels.", examples=[0.015]
    )
    label_smoothing_mode: Literal["others", "uniform"] = Field(
        "others",
        description="'others': 1-eps on the label, eps/(K-1) elsewhere; 'uniform': eps/K on all.",
    )
    augmentation: ShiftAugmentation | None = Field(
        None,
        description="How training inputs are varied; images only.",
        examples=[{"name": "shift"}],
    )
    early_stopping: EarlyStopping | None = Field(
        None,
        description="Hold out part of the training set and stop when its loss no longer falls.",
        examples=[{"patience": 10}],
    )

    @field_validator("augmentation", mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value
