"""One whole epoch of training in one compiled call."""

from __future__ import annotations

from typing import Any, NamedTuple

from numba.extending import overload

from reglab.core.engine.arrays import F32, I64
from reglab.core.engine.by_type import method
from reglab.core.engine.compiler import OPTIONS, kernel
from reglab.core.engine.inputs import Inputs, choose_rows
from reglab.core.engine.optimizers.base import Parameters, Step, apply
from reglab.core.engine.propagation import Architecture, BatchMasks, backward, forward
from reglab.core.engine.workspace import Workspace
from reglab.core.regularizers.base import Masks, Penalty


class Examples(NamedTuple):
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


class Method(NamedTuple):
    """How parameters are updated.

    Attributes:
        optimizer: See ``optimizers.base``.
        schedule: See ``schedules``.
        penalty: What is added to the gradient.
        after_update: Kernels of regularizers that act after each update.
    """

    optimizer: Any
    schedule: Any
    penalty: Penalty
    after_update: tuple[Any, ...]


learning_rate = method("rate")
_after_update = method("after_update")


def after_updates(rules: Any, theta: F32, widths: I64, lr: float) -> None:
    """Apply each of ``rules``, a tuple of ``NamedTuple`` with a kernel ``after_update``."""
    raise NotImplementedError("after_updates is for compiled code alone.")


@overload(after_updates, jit_options=OPTIONS)
def _after_updates(rules: Any, theta: Any, widths: Any, lr: Any) -> Any:
    def none(rules: Any, theta: Any, widths: Any, lr: Any) -> Any:
        pass

    def each(rules: Any, theta: Any, widths: Any, lr: Any) -> Any:
        _after_update(rules[0], theta, widths, lr)
        after_updates(rules[1:], theta, widths, lr)

    return each if len(rules) else none


@kernel
def train_epoch(
    network: Architecture,
    parameters: Parameters,
    method: Method,
    examples: Examples,
    masks: Masks,
    space: Workspace,
    t: int,
) -> int:
    """Train on every batch of one epoch; returns the number of updates so far.

    Args:
        network: Widths, activation and loss.
        parameters: Updated in place.
        method: Optimizer, schedule and regularizers.
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
        t += 1
        lr = learning_rate(method.schedule, t)
        step = Step(t, lr, method.penalty.l2, method.penalty.l1)
        apply(method.optimizer, parameters, inputs, delta, space.scratch, step)
        after_updates(method.after_update, parameters.theta, network.widths, lr)
    return t
