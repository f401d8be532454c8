"""The check that training and test parts of one pool of images do not overlap."""

from __future__ import annotations

from reglab.core.errors import FieldProblem, SpecError
from reglab.core.spec import Digits, Mnist5k


def check_split(spec: Mnist5k | Digits, total: int) -> None:
    """Raise SpecError if the two parts together need more than ``total`` images."""
    if spec.train_size + spec.test_size > total:
        raise SpecError(
            FieldProblem(
                "dataset.test_size",
                f"{spec.train_size} training and {spec.test_size} test images exceed the "
                f"{total} of '{spec.name}'.",
                f"Use at most {total - spec.train_size} test images with this train_size.",
            )
        )
