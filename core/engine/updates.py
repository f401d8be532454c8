"""Optimizer updates as single passes over the flat parameter vector.

SGD: theta -= lr * (g + l2 * theta + l1 * sign(theta)). Adam (Kingma and Ba, 2015, algorithm 1) with
weight decay decoupled (Loshchilov and Hutter, 2019) or, if asked for, added to the gradient.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reglab.core.engine.compiler import kernel
from reglab.core.engine.llvm_ir import fused


@kernel
def learning_rate(lr: float, alpha: float, tau: float, t: int) -> Any:
    """lr / (1 + t / tau) ** alpha in float64; t counts updates from 1."""
    return lr / (1.0 + t / tau) ** alpha


@kernel
def _sign(value: Any) -> Any:
    one, zero = np.float32(1), np.float32(0)
    if value > zero:
        return one
    if value < zero:
        return -one
    return zero


@kernel
def sgd(theta: Any, grad: Any, lr: float, l2: float, l1: float) -> None:
    """theta, grad (n,) float32; the gradient is left as it is."""
    step, pull, push = np.float32(lr), np.float32(l2), np.float32(l1)
    if l2 == 0 and l1 == 0:
        for i in range(theta.shape[0]):
            theta[i] = fused(-step, grad[i], theta[i])
    elif l1 == 0:
        for i in range(theta.shape[0]):
            theta[i] = fused(-step, fused(pull, theta[i], grad[i]), theta[i])
    else:
        for i in range(theta.shape[0]):
            g = fused(pull, theta[i], fused(push, _sign(theta[i]), grad[i]))
            theta[i] = fused(-step, g, theta[i])


@kernel
def decay(theta: Any, lr: float, l2: float, l1: float) -> None:
    """The weight decay part of ``sgd`` alone, where gradients are added sparsely afterwards."""
    step, pull, push = np.float32(lr), np.float32(l2), np.float32(l1)
    if l2 == 0 and l1 == 0:
        return
    if l1 == 0:
        keep = fused(-step, pull, np.float32(1))
        for i in range(theta.shape[0]):
            theta[i] *= keep
    else:
        for i in range(theta.shape[0]):
            theta[i] = fused(-step, fused(pull, theta[i], push * _sign(theta[i])), theta[i])


@kernel
def adam(theta: Any, grad: Any, m: Any, v: Any, rule: Any) -> None:
    """All (n,) float32; all but the gradient change in place.

    ``rule`` is (lr, l2, l1, decoupled, beta1, beta2, eps, t). With bias corrections c1 and c2 the
    step lr * (m/c1) / (sqrt(v/c2) + eps) is computed as
    (lr * sqrt(c2) / c1) * m / (sqrt(v) + eps * sqrt(c2)).
    """
    lr, l2, l1, decoupled, beta1, beta2, eps, t = rule
    root = np.sqrt(1.0 - beta2**t)
    size = np.float32(lr * root / (1.0 - beta1**t))
    floor = np.float32(eps * root)
    b1, r1 = np.float32(beta1), np.float32(1.0 - beta1)
    b2, r2 = np.float32(beta2), np.float32(1.0 - beta2)
    pull, push, rate = np.float32(l2), np.float32(l1), np.float32(lr)
    decays = l2 != 0 or l1 != 0
    for i in range(theta.shape[0]):
        g = grad[i]
        old = theta[i]
        if decays and not decoupled:
            g = fused(pull, old, fused(push, _sign(old), g))
        m[i] = fused(b1, m[i], r1 * g)
        v[i] = fused(b2, v[i], r2 * g * g)
        new = old - size * m[i] / (np.sqrt(v[i]) + floor)
        if decays and decoupled:
            new = fused(-rate, fused(pull, old, push * _sign(old)), new)
        theta[i] = new


@kernel
def soft_threshold(theta: Any, amount: float) -> None:
    """Proximal step of the L1 norm: sign(theta) * max(|theta| - amount, 0); gives exact zeros."""
    cut, zero = np.float32(amount), np.float32(0)
    for i in range(theta.shape[0]):
        if theta[i] > cut:
            theta[i] -= cut
        elif theta[i] < -cut:
            theta[i] += cut
        else:
            theta[i] = zero
