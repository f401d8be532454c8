"""Layer objects in float64 NumPy with a Python loop over batches, as articles write it."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.workloads import Workload

Array = NDArray[np.float64]


class Linear:
    def __init__(self, n_in: int, n_out: int, rng: np.random.Generator) -> None:
        self.W = rng.normal(0, n_in**-0.5, (n_out, n_in))
        self.b = np.zeros(n_out)
        self.moments = [np.zeros_like(self.W), np.zeros_like(self.b)] * 2

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.W.T + self.b

    def backward(self, delta: Array) -> Array:
        self.dW = delta.T @ self.x
        self.db = delta.sum(axis=0)
        return delta @ self.W


class Tanh:
    def forward(self, x: Array) -> Array:
        self.a = np.tanh(x)
        return self.a

    def backward(self, delta: Array) -> Array:
        return delta * (1 - self.a**2)


class Dropout:
    def __init__(self, width: int, p: float, rng: np.random.Generator) -> None:
        self.width, self.p, self.rng = width, p, rng

    def forward(self, x: Array) -> Array:
        self.mask = self.rng.binomial(1, 1 - self.p, self.width) / (1 - self.p)
        return x * self.mask

    def backward(self, delta: Array) -> Array:
        return delta * self.mask


class Sgd:
    def __init__(self, workload: Workload) -> None:
        self.schedule = workload.spec.optimizer.schedule
        self.lam = workload.spec.regularization.l2
        self.t = 0

    def rate(self) -> float:
        self.t += 1
        s = self.schedule
        return float(s.lr / np.power(1 + self.t / s.tau, s.alpha))

    def step(self, layers: list[Linear]) -> None:
        lr = self.rate()
        for layer in layers:
            layer.W -= lr * (layer.dW + self.lam * layer.W)
            layer.b -= lr * (layer.db + self.lam * layer.b)


class Adam(Sgd):
    def __init__(self, workload: Workload) -> None:
        super().__init__(workload)
        o = workload.spec.optimizer
        self.b1, self.b2, self.eps = o.beta1, o.beta2, o.eps

    def step(self, layers: list[Linear]) -> None:
        lr = self.rate()
        for layer in layers:
            mW, mb, vW, vb = layer.moments
            layer.moments = [
                self.b1 * mW + (1 - self.b1) * layer.dW,
                self.b1 * mb + (1 - self.b1) * layer.db,
                self.b2 * vW + (1 - self.b2) * layer.dW**2,
                self.b2 * vb + (1 - self.b2) * layer.db**2,
            ]
            mW, mb, vW, vb = layer.moments
            c1, c2 = 1 - self.b1**self.t, 1 - self.b2**self.t
            layer.W -= lr * ((mW / c1) / (np.sqrt(vW / c2) + self.eps) + self.lam * layer.W)
            layer.b -= lr * ((mb / c1) / (np.sqrt(vb / c2) + self.eps) + self.lam * layer.b)


class NumpyLoop:
    def __init__(self, workload: Workload) -> None:
        self.rng = rng = np.random.default_rng(0)
        widths = workload.spec.widths()
        p = workload.spec.regularization.dropout
        self.linears = [Linear(a, b, rng) for a, b in itertools.pairwise(widths)]
        chain: list[Linear | Tanh | Dropout] = []
        for layer, width in zip(self.linears, widths[1:], strict=True):
            chain += [layer, Tanh()] + ([Dropout(width, p, rng)] if p else [])
        self.chain = chain[: chain.index(self.linears[-1]) + 1]
        self.optimizer = (Adam if workload.spec.optimizer.name == "adam" else Sgd)(workload)
        data = workload.data
        self.x, self.y = data.x_train.astype(np.float64), workload.one_hot()
        self.sets = [(self.x, data.y_train), (data.x_test.astype(np.float64), data.y_test)]
        self.size = workload.spec.training.batch_size

    def train(self, epochs: int) -> None:
        for _ in range(epochs):
            order = self.rng.permutation(len(self.x))
            for start in range(0, len(self.x), self.size):
                self.step(order[start : start + self.size])

    def step(self, batch: NDArray[np.int64]) -> None:
        z = self.x[batch]
        for part in self.chain:
            z = part.forward(z)
        delta = (softmax(z) - self.y[batch]) / len(batch)
        for part in reversed(self.chain):
            delta = part.backward(delta)
        self.optimizer.step(self.linears)

    def evaluate(self) -> list[tuple[float, float]]:
        """Cross-entropy and accuracy on the training and the test set, dropout off."""
        found = []
        for x, labels in self.sets:
            z = x
            for part in self.chain:
                z = z if isinstance(part, Dropout) else part.forward(z)
            p = softmax(z)
            loss = -np.log(np.maximum(p[np.arange(len(p)), labels], 1e-300)).mean()
            found.append((float(loss), float((p.argmax(axis=1) == labels).mean())))
        return found


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def prepare(workload: Workload) -> Callable[[int], None]:
    """A function that trains some epochs."""
    return NumpyLoop(workload).train
