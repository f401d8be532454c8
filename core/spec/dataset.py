"""What to train on: one model a dataset, told apart by ``name``."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from reglab.core.spec.base import SpecModel, fault


class DatasetBase(SpecModel):
    """Facts that are known without loading any file."""

    n_features: ClassVar[int]
    n_classes: ClassVar[int]
    image_shape: ClassVar[tuple[int, int] | None] = None


class TwoMoons(DatasetBase):
    """Two interleaving half circles in the plane, drawn anew from the run's seed."""

    n_features: ClassVar[int] = 2
    n_classes: ClassVar[int] = 2

    name: Literal["two_moons"] = Field(description="Which dataset.")
    train_size: int = Field(
        default=250, ge=4, le=100_000, description="Training points.", examples=[250]
    )
    test_size: int = Field(
        default=1000,
        ge=4,
        le=100_000,
        description="Held-out points; their labels are never flipped.",
    )
    noise: float = Field(
        default=0.15,
        ge=0,
        le=5,
        description="Standard deviation of the Gaussian noise on each coordinate.",
        examples=[0.15],
    )
    label_flip: float = Field(
        default=0.0,
        ge=0,
        le=0.5,
        description="Chance of each training label to be flipped.",
        examples=[0.1],
    )


Sampling = Literal["first", "random"]


class ImageDataset(DatasetBase):
    """A labelled image set with a fixed training and test part; pixels scaled to [0, 1]."""

    n_classes: ClassVar[int] = 10

    sampling: Sampling = Field(
        default="first",
        description=(
            "'first': the first training images in the set's order; "
            "'random': drawn without replacement from the run's seed."
        ),
    )
    centred: bool = Field(
        default=False,
        description="Subtract the mean of the training images from all images. Images are "
        "augmented before that, so that what an augmentation fills in is dark.",
    )


class _Pixels784(ImageDataset):
    n_features: ClassVar[int] = 784
    image_shape: ClassVar[tuple[int, int] | None] = (28, 28)


class Mnist(_Pixels784):
    """Handwritten digits, 28 x 28 (LeCun and Cortes)."""

    name: Literal["mnist"] = Field(description="Which dataset.")
    train_size: int = Field(default=1000, ge=10, le=60_000, description="Training images.")
    test_size: int = Field(
        default=10_000, ge=10, le=10_000, description="Test images, from the first."
    )


class FashionMnist(_Pixels784):
    """Articles of clothing, 28 x 28 (Xiao, Rasul and Vollgraf, 2017)."""

    name: Literal["fashion_mnist"] = Field(description="Which dataset.")
    train_size: int = Field(default=1000, ge=10, le=60_000, description="Training images.")
    test_size: int = Field(
        default=10_000, ge=10, le=10_000, description="Test images, from the first."
    )


class Mnist5k(_Pixels784):
    """5,000 MNIST training images that come with reglab, in one fixed shuffled order."""

    name: Literal["mnist5k"] = Field(description="Which dataset.")
    train_size: int = Field(default=1000, ge=10, le=4_000, description="Training images.")
    test_size: int = Field(
        default=4_000,
        ge=10,
        le=4_000,
        description="Test images, taken from those never trained on.",
    )


class Digits(ImageDataset):
    """The 1,797 handwritten digits of scikit-learn, 8 x 8, in one fixed shuffled order."""

    n_features: ClassVar[int] = 64
    image_shape: ClassVar[tuple[int, int] | None] = (8, 8)

    name: Literal["digits"] = Field(description="Which dataset.")
    train_size: int = Field(default=1000, ge=10, le=1_500, description="Training images.")
    test_size: int = Field(
        default=797, ge=10, le=1_500, description="Test images, taken from those never trained on."
    )


class MaskedText(DatasetBase):
    """Masked words of the Python language reference, each to be told from the words around it.

    510 words and signs, [UNK] and [MASK]; a window of seven places, each one-hot.
    """

    context: ClassVar[int] = 3
    n_classes: ClassVar[int] = 512
    n_features: ClassVar[int] = (2 * context + 1) * n_classes

    name: Literal["masked_text"] = Field(description="Which dataset.")
    train_size: int = Field(default=3000, ge=10, le=20_000, description="Selected words an epoch.")
    test_size: int = Field(
        default=1500, ge=10, le=20_000, description="Selected words of topics never trained on."
    )
    selected: float = Field(
        default=0.15, ge=0.01, le=0.5, description="Share of the words selected to be predicted."
    )
    masked: float = Field(
        default=0.8, ge=0, le=1, description="Share of the selected words replaced by [MASK]."
    )
    replaced: float = Field(
        default=0.1, ge=0, le=1, description="Share replaced by a different, uniformly drawn word."
    )

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if self.masked + self.replaced > 1 + 1e-9:
            raise fault(
                "masked",
                "replaced",
                detail=f"masked and replaced are together {self.masked + self.replaced:g}.",
                remedy="They may be at most 1; the rest stays.",
            )
        return self


DATASET_NAMES = ("two_moons", "mnist", "fashion_mnist", "mnist5k", "digits", "masked_text")

DatasetSpec = Annotated[
    TwoMoons | Mnist | FashionMnist | Mnist5k | Digits | MaskedText, Field(discriminator="name")
]
