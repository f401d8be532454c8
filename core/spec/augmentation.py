"""How training examples are varied: one model an augmentation, told apart by ``name``."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from reglab.core.spec.base import SpecModel

AUGMENTATION_NAMES = (
    "shift",
    "rotation",
    "scaling",
    "elastic",
    "gaussian_noise",
    "cutout",
    "mixup",
    "masking",
)


class AugmentationBase(SpecModel):
    """Facts that hold for any settings."""

    needs_images: ClassVar[bool] = True
    needs_text: ClassVar[bool] = False


class ShiftAugmentation(AugmentationBase):
    """Shifts each batch as a whole, or each image, in x and in y."""

    name: Literal["shift"] = Field(description="Name of the augmentation.")
    probability: float = Field(
        default=0.5, ge=0, le=1, description="Probability that a batch, or an image, is shifted."
    )
    pixels: list[int] = Field(
        default=[-2, -1, 1, 2],
        min_length=1,
        max_length=32,
        description="Shifts, in pixels, from which x and y are drawn with replacement.",
    )
    unit: Literal["batch", "example"] = Field(
        default="batch",
        # Specs without these two keep the content keys of a time when there were no such fields.
        exclude_if=lambda value: value == "batch",
        description="What is shifted as a whole: 'batch' or 'example', that is each image.",
        examples=["example"],
    )
    fill: Literal["zeros", "wrap"] = Field(
        default="zeros",
        exclude_if=lambda value: value == "zeros",
        description="What moves in at the edge: 'zeros', or with 'wrap' what moved out at the "
        "opposite edge.",
        examples=["wrap"],
    )

    @field_validator("pixels")
    @classmethod
    def _small(cls, pixels: list[int]) -> list[int]:
        if any(abs(shift) > 27 for shift in pixels):
            raise ValueError("Each shift must be from -27 to 27 pixels.")
        return pixels


class PerExample(AugmentationBase):
    """Changes each example on its own, or leaves it alone."""

    probability: float = Field(
        default=0.5, ge=0, le=1, description="Probability that an example is changed."
    )


class RotationAugmentation(PerExample):
    """Rotates images about their centre."""

    name: Literal["rotation"] = Field(description="Name of the augmentation.")
    degrees: float = Field(
        default=15.0,
        ge=0,
        le=180,
        description="Largest angle in either direction; angles are drawn uniformly.",
    )


class ScalingAugmentation(PerExample):
    """Scales images about their centre."""

    name: Literal["scaling"] = Field(description="Name of the augmentation.")
    factor: float = Field(
        default=1.2, ge=1, le=4, description="Factors are log-uniform from 1/factor to factor."
    )


class ElasticAugmentation(PerExample):
    """Deforms images along a smooth random field (Simard, Steinkraus and Platt, 2003)."""

    name: Literal["elastic"] = Field(description="Name of the augmentation.")
    alpha: float = Field(
        default=34.0,
        ge=0,
        le=1000,
        description="Scale of the displacements before they are smoothed.",
    )
    sigma: float = Field(
        default=4.0,
        gt=0,
        le=20,
        description="Width of the Gaussian that smooths the field, in pixels.",
    )


class GaussianNoiseAugmentation(PerExample):
    """Adds independent Gaussian noise to every input."""

    needs_images: ClassVar[bool] = False

    name: Literal["gaussian_noise"] = Field(description="Name of the augmentation.")
    std: float = Field(
        default=0.2, ge=0, le=10, description="Standard deviation, in units of the inputs."
    )


class CutoutAugmentation(PerExample):
    """Blanks a square of each image (DeVries and Taylor, 2017)."""

    name: Literal["cutout"] = Field(description="Name of the augmentation.")
    size: int = Field(
        default=8,
        ge=1,
        le=28,
        description="Side length in pixels; the part outside the image is cut off.",
    )


class MixupAugmentation(AugmentationBase):
    """Mixes pairs of examples of a batch, inputs and labels (Zhang et al., 2018)."""

    needs_images: ClassVar[bool] = False

    name: Literal["mixup"] = Field(description="Name of the augmentation.")
    alpha: float = Field(
        default=0.2,
        gt=0,
        le=100,
        description="Parameter of the distribution Beta(alpha, alpha) of the mixing share of "
        "each example.",
    )


class MaskingAugmentation(AugmentationBase):
    """Selects and masks other words of a text in every epoch, rather than once."""

    needs_images: ClassVar[bool] = False
    needs_text: ClassVar[bool] = True

    name: Literal["masking"] = Field(description="Name of the augmentation.")


Augmentation = Annotated[
    ShiftAugmentation
    | RotationAugmentation
    | ScalingAugmentation
    | ElasticAugmentation
    | GaussianNoiseAugmentation
    | CutoutAugmentation
    | MixupAugmentation
    | MaskingAugmentation,
    Field(discriminator="name"),
]
