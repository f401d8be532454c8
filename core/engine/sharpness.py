"""Sharpness-aware minimization (Foret, Kleiner, Mobahi and Neyshabur, 2021)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba.extending import overload

from reglab.core.engine.arrays import F32, I64
from reglab.core.engine.compiler import OPTIONS
from reglab.core.engine.gradients import form_first, norm_of
from reglab.core.engine.inputs import BatchInputs
from reglab.core.engine.layout import outputs_of
from reglab.core.engine.llvm_ir import fused
from reglab.core.engine.optimizers.base import Parameters
from reglab.core.engine.propagation import Architecture, BatchMasks, backward, forward
from reglab.core.engine.workspace import Workspace


class Sam(NamedTuple):
    """Gradients are taken at theta + rho g / |g|.

    Attributes:
        rho: Distance of that point.
        kept: The parameters while it is looked at, (P,) float32.
    """

    rho: float
    kept: F32


def look_uphill(
    sharpness: Any,
    network: Architecture,
    parameters: Parameters,
    inputs: BatchInputs,
    targets: F32,
    rows: I64,
    masks: BatchMasks,
    space: Workspace,
) -> None:
    """Take the gradient of a batch again, uphill of the parameters, if ``sharpness`` has a ``Sam``.

    The gradient and the first layer's delta are where ``backward`` puts them, before and after.
    """
    raise NotImplementedError("look_uphill is for compiled code alone.")


@overload(look_uphill, jit_options=OPTIONS)
def _look_uphill(
    sharpness: Any,
    network: Any,
    parameters: Any,
    inputs: Any,
    targets: Any,
    rows: Any,
    masks: Any,
    space: Any,
) -> Any:
    def stay(
        sharpness: Any,
        network: Any,
        parameters: Any,
        inputs: Any,
        targets: Any,
        rows: Any,
        masks: Any,
        space: Any,
    ) -> Any:
        pass

    def climb(
        sharpness: Any,
        network: Any,
        parameters: Any,
        inputs: Any,
        targets: Any,
        rows: Any,
        masks: Any,
        space: Any,
    ) -> Any:
        sam = sharpness[0]
        theta, gradient = parameters.theta, parameters.gradient
        delta = outputs_of(space.deltas, network.widths, 0, rows.shape[0])
        form_first(inputs, delta, space.scratch, gradient)
        length = norm_of(gradient)
        if length > 0:
            scale = np.float32(sam.rho / length)
            for i in range(theta.shape[0]):
                sam.kept[i] = theta[i]
                theta[i] = fused(scale, gradient[i], theta[i])
            z = forward(network, theta, inputs, masks, space)
            backward(network, theta, z, targets, rows, masks, space, gradient)
            for i in range(theta.shape[0]):
                theta[i] = sam.kept[i]

    return climb if len(sharpness) else stay
