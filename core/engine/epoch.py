"""One whole epoch of training in one compiled call."""

from __future__ import annotations

from typing import Any, NamedTuple

from numba.extending import overload

from reglab.core.engine.arrays import F32, I64
from reglab.core.engine.by_type import kernel_of
from reglab.core.engine.compiler import OPTIONS, kernel
from reglab.core.engine.gradients import descend
from reglab.core.engine.inputs import Inputs, choose_rows
from reglab.core.engine.optimizers.base import Parameters, Step
from reglab.core.engine.propagation import Architecture, BatchMasks, backward, forward
from reglab.core.engine.schedules import Schedule
from reglab.core.engine.sharpness import look_uphill
from reglab.core.engine.workspace import Workspace
from reglab.core.regularizers.base import Masks, Penalty


class EpochExamples(NamedTuple):
    """What an epoch trains on.

    Attributes:
        inputs: The rows.
        targets: (N, K) float32.
        order: The epoch's permutation of the rows, (N,) int64.
        places: See ``row_order.order_within_batches``; unused where inputs are not sparse, (N,)
            int64.
        shifts: How each batch's images are moved, (batches, 2) int64.
        image_shape: (height, width), or (0, 0) for inputs that are not images, (2,) int64.
        batch_size: B; the last batch may be shorter.
    """

    inputs: Inputs
    targets: F32
    order: I64
    places: I64
    shifts: I64
    image_shape: I64
    batch_size: int


class UpdateRule(NamedTuple):
    """How parameters are updated.

    Attributes:
        optimizer: See ``optimizers.base``.
        schedule: See ``schedules``.
        penalty: What is added to the gradient.
        sharpness: Nothing, or the ``Sam`` that takes each gradient uphill.
        changes: What is done to the whole gradient of the loss before each update: ``NamedTuple``
            with a kernel ``change``.
        spared: Nothing, or ``SpareBiases``.
        constraints: What regularizers do after each update: ``NamedTuple`` with a kernel
            ``after_update``.
    """

    optimizer: Any
    schedule: Schedule
    penalty: Penalty
    sharpness: tuple[Any, ...]
    changes: tuple[Any, ...]
    spared: tuple[Any, ...]
    constraints: tuple[Any, ...]


learning_rate = kernel_of("rate")
apply_one = kernel_of("after_update")


def constrain(constraints: Any, theta: F32, widths: I64, lr: float) -> None:
    """Apply each of a tuple of constraints, in order."""
    raise NotImplementedError("constrain is for compiled code alone.")


@overload(constrain, jit_options=OPTIONS)
def _constrain(constraints: Any, theta: Any, widths: Any, lr: Any) -> Any:
    def nothing(constraints: Any, theta: Any, widths: Any, lr: Any) -> Any:
        pass

    def first_and_rest(constraints: Any, theta: Any, widths: Any, lr: Any) -> Any:
        apply_one(constraints[0], theta, widths, lr)
        constrain(constraints[1:], theta, widths, lr)

    return first_and_rest if len(constraints) else nothing


@kernel
def train_epoch(
    network: Architecture,
    parameters: Parameters,
    rule: UpdateRule,
    examples: EpochExamples,
    masks: Masks,
    space: Workspace,
    t: int,
) -> int:
    """Train on every batch of one epoch; returns the number of updates so far.

    Args:
        network: Widths, activation and loss.
        parameters: Updated in place.
        rule: Optimizer, schedule and regularizers.
        examples: Inputs, targets and their order.
        masks: Of the hidden activations.
        space: Written to.
        t: Number of updates before this epoch.
    """
    order, size = examples.order, examples.batch_size
    batches = (order.shape[0] + size - 1) // size
    for batch in range(batches):
        begin = batch * size
        end = min(begin + size, order.shape[0])
        rows = order[begin:end]
        inputs = choose_rows(
            examples.inputs, rows, examples.places[begin:end], examples.shifts[batch],
            examples.image_shape, space.scratch,
        )  # fmt: skip
        row = begin if masks.per_example else batch
        mine = BatchMasks(masks.values, masks.is_on, not masks.per_example, row, masks.keep)
        z = forward(network, parameters.theta, inputs, mine, space)
        delta = backward(
            network, parameters.theta, z, examples.targets, rows, mine, space, parameters.gradient
        )
        look_uphill(
            rule.sharpness, network, parameters, inputs, examples.targets, rows, mine, space
        )
        t += 1
        lr = learning_rate(rule.schedule, t)
        step = Step(t, lr, rule.penalty.l2, rule.penalty.l1)
        descend(
            rule.optimizer, rule.changes, rule.spared, network.widths, parameters, inputs, delta,
            space.scratch, step,
        )  # fmt: skip
        constrain(rule.constraints, parameters.theta, network.widths, lr)
    return t
