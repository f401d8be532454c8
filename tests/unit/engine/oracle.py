"""Slow, obvious float64 training, written from the equations; the kernels must agree with it."""

from __future__ import annotations

import itertools

import numpy as np
from scipy.special import expit
from scipy.stats import norm

from reglab.core.datasets import Dataset
from reglab.core.engine.random_streams import stream
from reglab.core.spec import RunSpec

ACTIVATIONS = {
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(float)),
    "identity": (lambda z: z, np.ones_like),
    "leaky_relu": (lambda z: np.where(z > 0, z, 0.01 * z), lambda z: np.where(z > 0, 1, 0.01)),
    "sigmoid": (expit, lambda z: expit(z) * expit(-z)),
    "gelu": (lambda z: z * norm.cdf(z), lambda z: norm.cdf(z) + z * norm.pdf(z)),
}


def initial_layers(spec: RunSpec, seed: int) -> list[list[np.ndarray]]:
    """[W, b] of each layer, rounded to float32 as the engine stores them.

    W ~ N(0, 1/n_in) and b = 0, or all uniform within 1 / sqrt(n_in), as torch has them.
    """
    rng = stream(seed, "init")
    layers = []
    widths = spec.widths()
    for n_in, n_out in itertools.pairwise(widths):
        bias = np.zeros(n_out)
        if spec.model.init == "torch":
            weights, bias = (
                ((2 * rng.random(count) - 1) / np.sqrt(n_in)).astype(np.float32).astype(float)
                for count in (n_in * n_out, n_out)
            )
        else:
            weights = (rng.standard_normal(n_in * n_out) / np.sqrt(n_in)).astype(np.float32)
        layers.append([weights.reshape(n_in, n_out).astype(float), bias])
    return layers


def forward(layers, x, activation, masks=None):
    """Outputs of every layer; masks[l] multiplies the l-th hidden activation."""
    function, _ = ACTIVATIONS[activation]
    outputs = [x]
    for at, (weights, bias) in enumerate(layers):
        z = outputs[-1] @ weights + bias
        if at < len(layers) - 1:
            z = function(z)
            if masks is not None:
                z = z * masks[at]
        outputs.append(z)
    return outputs


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def cross_entropy(layers, x, targets, activation, masks=None):
    p = softmax(forward(layers, x, activation, masks)[-1])
    return float(-np.mean(np.sum(targets * np.log(p), axis=1)))


def gradients(layers, x, targets, activation, masks=None, loss="cross_entropy", confidence=0.0):
    """[dW, db] of each layer of the mean cross-entropy or of the mean of |z - y|^2 / 2.

    The mean entropy times ``confidence`` is subtracted from the loss.
    """
    _, derivative = ACTIVATIONS[activation]
    outputs = forward(layers, x, activation, masks)
    answers = softmax(outputs[-1]) if loss == "cross_entropy" else outputs[-1]
    delta = (answers - targets) / len(x)
    if confidence:
        logs = np.log(answers)
        entropy = -np.sum(answers * logs, axis=1, keepdims=True)
        delta = delta + confidence * answers * (logs + entropy) / len(x)
    found = []
    for at in range(len(layers) - 1, -1, -1):
        found.insert(0, [outputs[at].T @ delta, delta.sum(axis=0)])
        if at:
            z = outputs[at - 1] @ layers[at - 1][0] + layers[at - 1][1]
            mask = 1.0 if masks is None else masks[at - 1]
            delta = (delta @ layers[at][0].T) * mask * derivative(z)
    return found


def smooth(labels, classes, spec):
    """Label by label, from the definition."""
    eps, mode = spec.regularization.label_smoothing, spec.regularization.label_smoothing_mode
    targets = np.zeros((len(labels), classes))
    for row, label in enumerate(labels):
        for k in range(classes):
            if mode == "uniform":
                targets[row, k] = (1 - eps) * (k == label) + eps / classes
            else:
                targets[row, k] = 1 - eps if k == label else eps / (classes - 1)
    return targets


def shift_image(image, dx, dy):
    """Pixel by pixel: what was at (y, x) is now at (y + dy, x + dx); the rest is zero."""
    height, width = image.shape
    moved = np.zeros_like(image)
    for y in range(height):
        for x in range(width):
            if 0 <= y + dy < height and 0 <= x + dx < width:
                moved[y + dy, x + dx] = image[y, x]
    return moved


def train(spec: RunSpec, data: Dataset, seed: int, epochs: int, rewrite=None, follow=None):
    """Train and return [W, b] of each layer; after each update ``follow(t, layers)`` is called.

    ``rewrite`` stands for augmentations other than shifts: it takes the augmentation's spec, its
    stream, an epoch's inputs and targets in order, the batch size and the image shape.
    """
    wanted, rate, reg = spec.optimizer, spec.optimizer.schedule, spec.regularization
    layers = initial_layers(spec, seed)
    m = [[np.zeros_like(part) for part in layer] for layer in layers]
    v = [[np.zeros_like(part) for part in layer] for layer in layers]
    batches, drops = stream(seed, "batches"), stream(seed, "dropout")
    moves = stream(seed, "augmentation")
    thinned = stream(seed, "dropout_input")
    targets = smooth(data.y_train, data.n_classes, spec)
    size, batch = len(data.y_train), spec.training.batch_size
    count = -(-size // batch)
    hidden = sum(spec.model.hidden)
    t = 0
    for _ in range(epochs):
        order = batches.permutation(size)
        shifts = np.zeros((count, 2), int)
        # Images are augmented as images, and centred afterwards.
        centre = 0.0 if data.offset is None or not reg.augmentation else data.offset.astype(float)
        inputs, wishes = data.x_train[order].astype(float) + centre, targets[order]
        if rewrite is not None:
            inputs, wishes = rewrite(
                reg.augmentation, moves, inputs, wishes, batch, data.image_shape
            )
        elif reg.augmentation:
            moved = moves.random(count) < reg.augmentation.probability
            drawn = moves.choice(np.array(reg.augmentation.pixels), size=(count, 2))
            shifts = np.where(moved[:, None], drawn, 0)
        left = np.ones(inputs.shape)
        if reg.dropout_input:
            drawn = thinned.random(inputs.shape, dtype=np.float32)
            left = (drawn >= np.float32(reg.dropout_input)) / (1 - reg.dropout_input)
        if reg.dropout:
            rows = size if reg.dropout_mask == "example" else count
            keep = drops.random((rows, hidden), dtype=np.float32) >= np.float32(reg.dropout)
            table = keep / (1 - reg.dropout)
        for at in range(count):
            rows = slice(at * batch, (at + 1) * batch)
            x = inputs[rows]
            if shifts[at].any():
                images = x.reshape(-1, *data.image_shape)
                x = np.stack([shift_image(i, *shifts[at]) for i in images]).reshape(len(x), -1)
            x = (x - centre) * left[rows]
            masks = None
            if reg.dropout:
                own = table[at] if reg.dropout_mask == "batch" else table[at * batch :][: len(x)]
                masks = np.split(own, np.cumsum(spec.model.hidden)[:-1], axis=-1)
            model = spec.model
            rest = (model.activation, masks, model.loss, reg.confidence_penalty)
            grads = gradients(layers, x, wishes[rows], *rest)
            if wanted.sam:
                reach = wanted.sam.rho / length(grads)
                uphill = [
                    [p + reach * g for p, g in zip(*pair, strict=True)]
                    for pair in zip(layers, grads, strict=True)
                ]
                grads = gradients(uphill, x, wishes[rows], *rest)
            if wanted.clip_norm and length(grads) > wanted.clip_norm:
                scale = wanted.clip_norm / length(grads)
                grads = [[scale * g for g in layer] for layer in grads]
            t += 1
            lr = learning_rate(rate, t, count * spec.training.epochs)
            for k, layer in enumerate(layers):
                for j in range(2):
                    layer[j] = update(
                        layer[j], grads[k][j], m[k], v[k], j, t, lr, wanted, reg, size
                    )
                if reg.max_norm and k < len(layers) - 1:
                    norms = np.sqrt(np.sum(layer[0] ** 2, axis=0))
                    layer[0] = layer[0] * np.minimum(1, reg.max_norm / norms)
            if follow is not None:
                follow(t, layers)
    return layers


def length(grads):
    """Euclidean norm of all parts together."""
    return np.sqrt(sum(np.sum(g**2) for layer in grads for g in layer))


def learning_rate(rate, t, total):
    """From the formulas in the models of schedules."""
    if t <= rate.warmup:
        return rate.lr * t / rate.warmup
    t, total = t - rate.warmup, total - rate.warmup
    if rate.name == "power":
        return rate.lr / (1 + t / rate.tau) ** rate.alpha
    if rate.name == "cosine":
        return rate.end + (rate.lr - rate.end) * (1 + np.cos(np.pi * (t - 1) / total)) / 2
    return rate.lr * rate.factor ** ((t - 1) // rate.every) if rate.name == "step" else rate.lr


def update(theta, g, m, v, j, t, lr, wanted, reg, size):
    """One tensor's update, from the equations of DESIGN and of the optimizers' papers."""
    decays = reg.decay_biases or j == 0
    l1 = reg.l1 if reg.l1_method == "subgradient" else 0.0
    l2 = reg.l2 / size if reg.l2_convention == "penalty" else reg.l2
    decay = (l2 * theta + l1 * np.sign(theta)) * decays
    momentum = getattr(wanted, "momentum", 0.0)
    if wanted.name == "sgd" and not momentum:
        new = theta - lr * (g + decay)
    elif wanted.name in ("sgd", "rmsprop"):
        if not wanted.decoupled:
            g = g + decay
        step = g
        if wanted.name == "rmsprop":
            v[j] = wanted.smoothing * v[j] + (1 - wanted.smoothing) * g**2
            step = g / (np.sqrt(v[j]) + wanted.eps)
        m[j] = momentum * m[j] + step
        step = g + momentum * m[j] if getattr(wanted, "nesterov", False) else m[j]
        new = theta - lr * (step + (decay if wanted.decoupled else 0))
    else:
        if not wanted.decoupled:
            g = g + decay
        m[j] = wanted.beta1 * m[j] + (1 - wanted.beta1) * g
        v[j] = wanted.beta2 * v[j] + (1 - wanted.beta2) * g**2
        step = (m[j] / (1 - wanted.beta1**t)) / (np.sqrt(v[j] / (1 - wanted.beta2**t)) + wanted.eps)
        new = theta - lr * (step + (decay if wanted.decoupled else 0))
    if reg.l1_method == "proximal" and reg.l1 and decays:
        new = np.sign(new) * np.maximum(np.abs(new) - lr * reg.l1, 0)
    return new
