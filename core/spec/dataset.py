"""What to train on: one model per dataset, told apart by ``name``."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self, get_args

from pydantic import Field, model_validator

from reglab.core.spec.base import fault
from reglab.core.spec.dataset_base import NOISE, DatasetBase
from reglab.core.spec.uploaded import Uploaded


class TwoMoons(DatasetBase):
    """Two interleaving half circles in the plane, drawn anew from the run's seed."""

    n_features: ClassVar[int] = 2
    n_classes: ClassVar[int] = 2
    class_names: ClassVar[tuple[str, ...]] = ("upper moon", "lower moon")
    is_drawn: ClassVar[bool] = True
    # The test points are drawn after the training points.
    training_only: ClassVar[frozenset[str]] = frozenset({"label_flip", *NOISE})

    name: Literal["two_moons"] = Field(description="Name of the dataset.")
    train_size: int = Field(
        default=250, ge=4, le=100_000, description="Number of training points.", examples=[250]
    )
    test_size: int = Field(
        default=1000,
        ge=4,
        le=100_000,
        description="Number of test points; their labels are never flipped.",
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
        description="Probability that a training label is flipped.",
        examples=[0.1],
    )


Sampling = Literal["first", "random"]


class ImageDataset(DatasetBase):
    """A labelled image set with a fixed training and test part; pixels scaled to [0, 1]."""

    n_classes: ClassVar[int] = 10
    class_names: ClassVar[tuple[str, ...]] = tuple("0123456789")
    training_only: ClassVar[frozenset[str]] = frozenset({"train_size", "sampling", *NOISE})

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

    @property
    def draws_training(self) -> bool:
        """Whether the training images are drawn from the run's seed."""
        return self.sampling == "random"


class _Pixels784(ImageDataset):
    n_features: ClassVar[int] = 784
    image_shape: ClassVar[tuple[int, int] | None] = (28, 28)


class Mnist(_Pixels784):
    """Handwritten digits, 28 x 28 (LeCun and Cortes)."""

    name: Literal["mnist"] = Field(description="Name of the dataset.")
    train_size: int = Field(
        default=1000, ge=10, le=60_000, description="Number of training images."
    )
    test_size: int = Field(
        default=10_000, ge=10, le=10_000, description="Number of test images, from the first."
    )


class FashionMnist(_Pixels784):
    """Articles of clothing, 28 x 28 (Xiao, Rasul and Vollgraf, 2017)."""

    class_names: ClassVar[tuple[str, ...]] = (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    )

    name: Literal["fashion_mnist"] = Field(description="Name of the dataset.")
    train_size: int = Field(
        default=1000, ge=10, le=60_000, description="Number of training images."
    )
    test_size: int = Field(
        default=10_000, ge=10, le=10_000, description="Number of test images, from the first."
    )


class Mnist5k(_Pixels784):
    """5,000 MNIST training images that come with reglab, in one fixed shuffled order."""

    name: Literal["mnist5k"] = Field(description="Name of the dataset.")
    train_size: int = Field(default=1000, ge=10, le=4_000, description="Number of training images.")
    test_size: int = Field(
        default=4_000,
        ge=10,
        le=4_000,
        description="Number of test images, taken from those that are never trained on.",
    )


class Digits(ImageDataset):
    """The 1,797 handwritten digits of scikit-learn, 8 x 8, in one fixed shuffled order."""

    n_features: ClassVar[int] = 64
    image_shape: ClassVar[tuple[int, int] | None] = (8, 8)

    name: Literal["digits"] = Field(description="Name of the dataset.")
    train_size: int = Field(default=1000, ge=10, le=1_500, description="Number of training images.")
    test_size: int = Field(
        default=797,
        ge=10,
        le=1_500,
        description="Number of test images, taken from those that are never trained on.",
    )


class MaskedText(DatasetBase):
    """Masked words of the Python language reference, to be predicted from the words around them.

    510 words and signs, [UNK] and [MASK]; a window of seven places, each one-hot.
    """

    is_drawn: ClassVar[bool] = True
    training_only: ClassVar[frozenset[str]] = frozenset(NOISE)
    context: ClassVar[int] = 3
    n_classes: ClassVar[int] = 512
    n_features: ClassVar[int] = (2 * context + 1) * n_classes

    name: Literal["masked_text"] = Field(description="Name of the dataset.")
    train_size: int = Field(
        default=3000, ge=10, le=20_000, description="Number of selected words per epoch."
    )
    test_size: int = Field(
        default=1500,
        ge=10,
        le=20_000,
        description="Number of selected words from topics that are not trained on.",
    )
    selected: float = Field(
        default=0.15, ge=0.01, le=0.5, description="Share of the words selected to be predicted."
    )
    masked: float = Field(
        default=0.8, ge=0, le=1, description="Share of the selected words replaced by [MASK]."
    )
    replaced: float = Field(
        default=0.1,
        ge=0,
        le=1,
        description="Share of the selected words replaced by another, uniformly drawn word.",
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


DatasetSpec = Annotated[
    TwoMoons | Mnist | FashionMnist | Mnist5k | Digits | MaskedText | Uploaded,
    Field(discriminator="name"),
]
# Those that come with reglab.
DATASETS: dict[str, type[DatasetBase]] = {
    get_args(kind.model_fields["name"].annotation)[0]: kind
    for kind in get_args(get_args(DatasetSpec)[0])
    if kind is not Uploaded
}
