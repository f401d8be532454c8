"""The optimizers, told apart by ``name``: each is a model here and a class in the engine.

A new one is a model here and a module in ``core.engine.optimizers``.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from reglab.core.spec.base import SpecModel, fault, is_off

# Per parameter: what an update takes more for a velocity, and for a gradient that is formed as a
# whole before it is used.
MOMENTUM_SECONDS = 0.3e-9
WHOLE_GRADIENT_SECONDS = 0.6e-9
AVERAGE_SECONDS = 0.2e-9


class ScheduleBase(SpecModel):
    """What all schedules have."""

    name: str
    lr: float = Field(gt=0, le=100, description="Initial learning rate.", examples=[0.15])
    warmup: int = Field(
        default=0,
        ge=0,
        le=10**9,
        exclude_if=is_off,
        description="Number of updates over which the rate rises in a straight line to lr: it is "
        "lr * t / warmup in update t. The schedule begins after them.",
        examples=[500],
    )


class PowerSchedule(ScheduleBase):
    """Power schedule lr_t = lr / (1 + t / tau) ** alpha; t counts updates from 1."""

    # Specs have the content keys of a time when there was no other schedule.
    name: Literal["power"] = Field(
        default="power", exclude_if=lambda _: True, description="Which schedule."
    )
    alpha: float = Field(default=0.0, ge=0, le=10, description="Power; 0 keeps the rate constant.")
    tau: float = Field(
        default=1.0, gt=0, le=1e12, description="Time scale, in updates.", examples=[50000]
    )


class ConstantSchedule(ScheduleBase):
    """The same rate in all updates."""

    name: Literal["constant"] = Field(description="Which schedule.")


class CosineSchedule(ScheduleBase):
    """Half a cosine wave from lr to ``end`` over the whole training (Loshchilov and Hutter, 2017).

    lr_t = end + (lr - end) (1 + cos(pi (t - 1) / T)) / 2 in the t-th of T updates. A training that
    ends early has the rates of one that does not.
    """

    name: Literal["cosine"] = Field(description="Which schedule.")
    end: float = Field(
        default=0.0, ge=0, le=100, description="Rate that is approached.", examples=[0.001]
    )


class StepSchedule(ScheduleBase):
    """The rate is multiplied by ``factor`` after each ``every`` updates."""

    name: Literal["step"] = Field(description="Which schedule.")
    every: int = Field(
        ge=1, le=10**9, description="Number of updates with the same rate.", examples=[1000]
    )
    factor: float = Field(
        default=0.1, gt=0, le=1, description="What the rate is multiplied by.", examples=[0.5]
    )


Schedule = Annotated[
    PowerSchedule | ConstantSchedule | CosineSchedule | StepSchedule, Field(discriminator="name")
]


class Sam(SpecModel):
    """Sharpness-aware minimization (Foret et al., 2021) around the optimizer.

    Each update uses the gradient at theta + rho g / |g|, where g is the gradient of the loss at
    theta by the same batch, with the same masks.
    """

    rho: float = Field(
        default=0.05, gt=0, le=100, description="Distance of the point uphill.", examples=[0.05]
    )


class EmaAverage(SpecModel):
    """Exponential moving average of the weights (Polyak and Juditsky, 1992).

    After each update, average <- decay average + (1 - decay) theta; it begins with the initial
    weights.
    """

    name: Literal["ema"] = Field(description="Which average.")
    decay: float = Field(
        default=0.999, ge=0, lt=1, description="Share of the average that is kept.", examples=[0.99]
    )


class SwaAverage(SpecModel):
    """Stochastic weight averaging (Izmailov et al., 2018): the mean of the weights after epochs.

    Before it begins, the average is the weights themselves.
    """

    name: Literal["swa"] = Field(description="Which average.")
    start: float = Field(
        default=0.75,
        ge=0,
        lt=1,
        description="Share of the epochs after which averaging begins.",
        examples=[0.5],
    )


Average = Annotated[EmaAverage | SwaAverage, Field(discriminator="name")]


class OptimizerBase(SpecModel):
    """What all optimizers have.

    Attributes:
        seconds_per_parameter: Time of an update, for estimates.
    """

    seconds_per_parameter: ClassVar[float]

    name: str
    schedule: Schedule = Field(description="The learning rate over time.")
    clip_norm: float | None = Field(
        default=None,
        gt=0,
        le=1e6,
        exclude_if=is_off,
        description="Largest Euclidean norm of the gradient of the loss by all parameters; a "
        "longer gradient is shortened to it. Weight decay is not counted.",
        examples=[1.0],
    )
    sam: Sam | None = Field(
        default=None,
        exclude_if=is_off,
        description="Sharpness-aware minimization; an update takes twice the time.",
        examples=[{"rho": 0.05}],
    )

    average: Average | None = Field(
        default=None,
        exclude_if=is_off,
        description="Average of the weights over time. It is evaluated beside the weights, in the "
        "curves average_train_loss, average_test_loss and so on; the weights are trained and kept "
        "as without it.",
        examples=[{"name": "ema", "decay": 0.99}],
    )

    @field_validator("schedule", mode="before")
    @classmethod
    def _power_by_default(cls, value: Any) -> Any:
        return {"name": "power", **value} if isinstance(value, dict) else value

    def update_seconds(self, parameters: int) -> float:
        """Time of an update of so many parameters, for estimates."""
        seconds = self.seconds_per_parameter
        if getattr(self, "momentum", 0):
            seconds += MOMENTUM_SECONDS
        if self.clip_norm is not None:
            seconds += WHOLE_GRADIENT_SECONDS
        if self.average is not None:
            seconds += AVERAGE_SECONDS
        return seconds * parameters


class Moments(OptimizerBase):
    """The settings of Adam; with momentum ``decoupled`` is also one of SGD."""

    beta1: float = Field(default=0.9, ge=0, lt=1, description="Adam: decay of the first moment.")
    beta2: float = Field(default=0.999, ge=0, lt=1, description="Adam: decay of the second moment.")
    eps: float = Field(
        default=1e-8, gt=0, le=1, description="Adam: added to the root of the second moment."
    )
    decoupled: bool = Field(
        default=True,
        description=(
            "Adam, and SGD with momentum: true applies weight decay beside the step (AdamW, SGDW); "
            "false adds it to the gradient (Adam + L2), so that it enters the averages."
        ),
    )


class Sgd(Moments):
    """Stochastic gradient descent; it accepts the settings of Adam and does not use them.

    Specs with both were valid when there was one model of optimizers, and their keys hold both.
    """

    seconds_per_parameter: ClassVar[float] = 0.1e-9

    name: Literal["sgd"] = Field(default="sgd", description="Which optimizer.")
    momentum: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        exclude_if=is_off,
        description="Share of the last velocity that is kept; the velocity takes the place of the "
        "gradient in the update (Polyak, 1964). 0 is plain SGD.",
        examples=[0.9],
    )
    nesterov: bool = Field(
        default=False,
        exclude_if=is_off,
        description="Use the gradient plus momentum times the new velocity (Nesterov, 1983; as "
        "reformulated by Sutskever et al., 2013).",
    )

    @model_validator(mode="after")
    def _nesterov_has_momentum(self) -> Self:
        if self.nesterov and not self.momentum:
            raise fault(
                "nesterov",
                "momentum",
                detail="Nesterov's step needs momentum, which is 0.",
                remedy="Set momentum, for example to 0.9, or nesterov to false.",
            )
        return self


class Adam(Moments):
    """Adam (Kingma and Ba, 2015); with decoupled decay AdamW (Loshchilov and Hutter, 2019)."""

    seconds_per_parameter: ClassVar[float] = 0.65e-9

    name: Literal["adam"] = Field(description="Which optimizer.")


class Rmsprop(OptimizerBase):
    """RMSprop (Tieleman and Hinton, 2012): each step is divided by the gradient's recent size."""

    seconds_per_parameter: ClassVar[float] = 0.5e-9

    name: Literal["rmsprop"] = Field(description="Which optimizer.")
    smoothing: float = Field(
        default=0.99,
        ge=0,
        lt=1,
        description="Share of the mean of squared gradients that is kept (PyTorch: alpha).",
        examples=[0.9],
    )
    eps: float = Field(default=1e-8, gt=0, le=1, description="Added to the root of the mean.")
    momentum: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Share of the last velocity that is kept, a sum of divided gradients.",
        examples=[0.9],
    )
    decoupled: bool = Field(
        default=True,
        description="True applies weight decay beside the divided step; false adds it to the "
        "gradient.",
    )


OptimizerSpec = Annotated[Sgd | Adam | Rmsprop, Field(discriminator="name")]


def with_default_name(value: Any) -> Any:
    """Plain SGD where a document names no optimizer."""
    return {"name": "sgd", **value} if isinstance(value, dict) else value
