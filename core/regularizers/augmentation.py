"""What the augmentations that change inputs share."""

from __future__ import annotations

from typing import ClassVar, Self

from reglab.core.regularizers.base import Regularizer
from reglab.core.spec import RunSpec
from reglab.core.spec.augmentation import AugmentationBase


class Augmentation(Regularizer):
    """Base of dataclasses whose fields are those of a spec model, without its name.

    Attributes:
        model: The spec model that turns it on.
    """

    stream: str | None = "augmentation"
    changes_inputs: ClassVar[bool] = True
    model: ClassVar[type[AugmentationBase]]

    @classmethod
    def of(cls, spec: RunSpec) -> Self | None:
        """Active where ``regularization.augmentation`` is of its model."""
        wanted = spec.regularization.augmentation
        if not isinstance(wanted, cls.model):
            return None
        return cls(**wanted.model_dump(exclude={"name"}))
