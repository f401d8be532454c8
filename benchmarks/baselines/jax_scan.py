"""JAX: all epochs between two evaluations as one jitted scan over batches, one thread.

One run alone, or several runs of a sweep at a time under vmap; both are offered, since which of
them costs less a run depends on the workload.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

# Read at JAX's first use: one run of one thread, as for the others.
os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)

import jax
import jax.numpy as jnp

from benchmarks.workloads import Workload


def prepare(workload: Workload, epochs: int, runs: int = 1) -> Callable[[], None]:
    """A function that trains ``epochs`` epochs of each run; its first call compiles."""
    spec = workload.spec
    widths = spec.widths()
    n, size = len(workload.data.y_train), spec.training.batch_size
    full = n // size
    keep = 1 - spec.regularization.dropout
    keys = jax.random.split(jax.random.PRNGKey(0), len(widths))
    params = [
        (jax.random.normal(key, (a, b)) * a**-0.5, jnp.zeros(b))
        for key, a, b in zip(keys, widths, widths[1:], strict=False)
    ]
    x = jnp.asarray(workload.data.x_train)
    y = jnp.asarray(workload.one_hot(), dtype=jnp.float32)

    def loss(params: Any, x: Any, y: Any, key: Any) -> Any:
        for at, (W, b) in enumerate(params[:-1]):
            x = jnp.tanh(x @ W + b)
            if keep < 1:
                mask = jax.random.bernoulli(jax.random.fold_in(key, at), keep, (x.shape[1],))
                x = x * mask / keep
        W, b = params[-1]
        return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(x @ W + b), axis=1))

    step = _adam(spec) if spec.optimizer.name == "adam" else _sgd(spec)

    def update(state: Any, batch: Any) -> Any:
        params, moments, t, key = state
        key, sub = jax.random.split(key)
        grads = jax.grad(loss)(params, x[batch], y[batch], sub)
        params, moments = step(params, moments, grads, t + 1)
        return (params, moments, t + 1, key), None

    def epoch(state: Any) -> Any:
        params, moments, t, key = state
        key, sub = jax.random.split(key)
        order = jax.random.permutation(sub, n)
        state = (params, moments, t, key)
        state, _ = jax.lax.scan(update, state, order[: full * size].reshape(full, size))
        if n % size:
            state, _ = update(state, order[full * size :])
        return state

    def chunk(state: Any) -> Any:
        return jax.lax.scan(lambda at, _: (epoch(at), None), state, None, length=epochs)[0]

    run = jax.jit(jax.vmap(chunk) if runs > 1 else chunk, donate_argnums=0)
    zeros, other = (jax.tree.map(jnp.zeros_like, params) for _ in range(2))
    one = (params, (zeros, other), jnp.float32(0), jax.random.PRNGKey(1))
    if runs > 1:
        one = jax.tree.map(lambda leaf: jnp.stack([leaf] * runs), one)
    holder = [one]

    def train() -> None:
        holder[0] = jax.block_until_ready(run(holder[0]))

    return train


def _rate(spec: Any, t: Any) -> Any:
    s = spec.optimizer.schedule
    return s.lr / (1 + t / s.tau) ** s.alpha


def _sgd(spec: Any) -> Any:
    lam = spec.regularization.l2

    def step(params: Any, moments: Any, grads: Any, t: Any) -> Any:
        lr = _rate(spec, t)
        return jax.tree.map(lambda p, g: p - lr * (g + lam * p), params, grads), moments

    return step


def _adam(spec: Any) -> Any:
    o, lam = spec.optimizer, spec.regularization.l2

    def step(params: Any, moments: Any, grads: Any, t: Any) -> Any:
        lr = _rate(spec, t)
        m = jax.tree.map(lambda a, g: o.beta1 * a + (1 - o.beta1) * g, moments[0], grads)
        v = jax.tree.map(lambda a, g: o.beta2 * a + (1 - o.beta2) * g * g, moments[1], grads)
        c1, c2 = 1 - o.beta1**t, 1 - o.beta2**t

        def move(p: Any, a: Any, b: Any) -> Any:
            return p - lr * ((a / c1) / (jnp.sqrt(b / c2) + o.eps) + lam * p)

        return jax.tree.map(move, params, m, v), (m, v)

    return step
