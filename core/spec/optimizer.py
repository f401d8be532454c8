"""The optimizers, told apart by ``name``: each is a model here and a class in the engine.

A new one is a model here and a module in ``core.engine.optimizers``.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from reglab.core.spec.base import SpecModel


class Schedule(SpecModel):
    """Power schedule lr_t = lr / (1 + t / tau) ** alpha; t counts updates from 1."""

    lr: float = Field(gt=0, le=100, description="Initial learning rate.", examples=[0.15])
    alpha: float = Field(default=0.0, ge=0, le=10, description="Power; 0 keeps the rate constant.")
    tau: float = Field(
        default=1.0, gt=0, le=1e12, description="Time scale, in updates.", examples=[50000]
    )


class OptimizerBase(SpecModel):
    """What all optimizers have.

    Attributes:
        seconds_per_parameter: Time of an update, for estimates.
    """

    seconds_per_parameter: ClassVar[float]

    name: str
    schedule: Schedule = Field(description="The learning rate over time.")


class Moments(OptimizerBase):
    """The settings of Adam."""

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


class Sgd(Moments):
    """Plain stochastic gradient descent; it accepts the settings of Adam and does not use them.

    Specs with both were valid when there was one model of optimizers, and their keys hold both.
    """

    seconds_per_parameter: ClassVar[float] = 0.1e-9

    name: Literal["sgd"] = Field(default="sgd", description="Which optimizer.")


class Adam(Moments):
    """Adam (Kingma and Ba, 2015); with decoupled decay AdamW (Loshchilov and Hutter, 2019)."""

    seconds_per_parameter: ClassVar[float] = 0.65e-9

    name: Literal["adam"] = Field(description="Which optimizer.")


OptimizerSpec = Annotated[Sgd | Adam, Field(discriminator="name")]


def with_default_name(value: Any) -> Any:
    """Plain SGD where a document names no optimizer."""
    return {"name": "sgd", **value} if isinstance(value, dict) else value
