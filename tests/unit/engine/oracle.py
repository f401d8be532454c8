"""Slow, obvious float64 training, written from the equations; the kernels must agree with it."""

from __future__ import annotations

import itertools

import numpy as np

from reglab.core.datasets import Dataset
from reglab.core.engine.random_streams import stream
from reglab.core.spec import RunSpec

ACTIVATIONS = {
    "tanh": (np.tanh, lambda a: 1 - a**2),
    "relu": (lambda z: np.maximum(z, 0), lambda a: (a > 0).astype(float)),
    "identity": (lambda z: z, np.ones_like),
}


def initial_layers(spec: RunSpec, seed: int) -> list[list[np.ndarray]]:
    """[W, b] of each layer, W ~ N(0, 1/n_in) rounded to float32 as the engine stores it."""
    rng = stream(seed, "init")
    layers = []
    widths = spec.widths()
    for n_in, n_out in itertools.pairwise(widths):
        weights = (rng.standard_normal(n_in * n_out) / np.sqrt(n_in)).astype(np.float32)
        layers.append([weights.reshape(n_in, n_out).astype(float), np.zeros(n_out)])
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


def gradients(layers, x, targets, activation, masks=None, loss="cross_entropy"):
    """[dW, db] of each layer of the mean cross-entropy or of the mean of |z - y|^2 / 2."""
    _, derivative = ACTIVATIONS[activation]
    outputs = forward(layers, x, activation, masks)
    answers = softmax(outputs[-1]) if loss == "cross_entropy" else outputs[-1]
    delta = (answers - targets) / len(x)
    found = []
    for at in range(len(layers) - 1, -1, -1):
        found.insert(0, [outputs[at].T @ delta, delta.sum(axis=0)])
        if at:
            a = outputs[at]
            mask = np.ones_like(a) if masks is None else np.broadcast_to(masks[at - 1], a.shape)
            plain = np.divide(a, mask, out=np.zeros_like(a), where=mask != 0)
            delta = (delta @ layers[at][0].T) * mask * derivative(plain)
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


def train(spec: RunSpec, data: Dataset, seed: int, epochs: int, rewrite=None):
    """Train and return [W, b] of each layer.

    ``rewrite`` stands for augmentations other than shifts: it takes the augmentation's spec, its
    stream, an epoch's inputs and targets in order, the batch size and the image shape.
    """
    wanted, rate, reg = spec.optimizer, spec.optimizer.schedule, spec.regularization
    layers = initial_layers(spec, seed)
    m = [[np.zeros_like(part) for part in layer] for layer in layers]
    v = [[np.zeros_like(part) for part in layer] for layer in layers]
    batches, drops = stream(seed, "batches"), stream(seed, "dropout")
    moves = stream(seed, "augmentation")
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
            x = x - centre
            masks = None
            if reg.dropout:
                own = table[at] if reg.dropout_mask == "batch" else table[at * batch :][: len(x)]
                masks = np.split(own, np.cumsum(spec.model.hidden)[:-1], axis=-1)
            model = spec.model
            grads = gradients(layers, x, wishes[rows], model.activation, masks, model.loss)
            t += 1
            lr = rate.lr / (1 + t / rate.tau) ** rate.alpha
            for k, layer in enumerate(layers):
                for j in range(2):
                    layer[j] = update(layer[j], grads[k][j], m[k], v[k], j, t, lr, wanted, reg)
    return layers


def update(theta, g, m, v, j, t, lr, wanted, reg):
    """One tensor's update, from the equations of DESIGN and of Adam's paper."""
    l1 = reg.l1 if reg.l1_method == "subgradient" else 0.0
    decay = reg.l2 * theta + l1 * np.sign(theta)
    if wanted.name == "sgd":
        new = theta - lr * (g + decay)
    else:
        if not wanted.decoupled:
            g = g + decay
        m[j] = wanted.beta1 * m[j] + (1 - wanted.beta1) * g
        v[j] = wanted.beta2 * v[j] + (1 - wanted.beta2) * g**2
        step = (m[j] / (1 - wanted.beta1**t)) / (np.sqrt(v[j] / (1 - wanted.beta2**t)) + wanted.eps)
        new = theta - lr * (step + (decay if wanted.decoupled else 0))
    if reg.l1_method == "proximal" and reg.l1:
        new = np.sign(new) * np.maximum(np.abs(new) - lr * reg.l1, 0)
    return new
