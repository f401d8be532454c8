"""The same training by torch in float64: its layers, optimizers, autograd and averaging."""

from __future__ import annotations

import numpy as np
import pytest

from reglab.core.datasets import Dataset
from reglab.core.engine.random_streams import stream
from reglab.core.spec import RunSpec

torch = pytest.importorskip("torch")

ACTIVATIONS = {
    "tanh": torch.nn.Tanh,
    "relu": torch.nn.ReLU,
    "identity": torch.nn.Identity,
    "leaky_relu": torch.nn.LeakyReLU,
    "sigmoid": torch.nn.Sigmoid,
    "gelu": torch.nn.GELU,
}
AVERAGES = {
    "ema": lambda wanted: torch.optim.swa_utils.get_ema_multi_avg_fn(wanted.decay),
    "swa": lambda wanted: torch.optim.swa_utils.get_swa_multi_avg_fn(),
}


def layers_of(model) -> list[tuple[np.ndarray, np.ndarray]]:
    """(W, b) of each layer as reglab has them."""
    linear = [part for part in model.modules() if isinstance(part, torch.nn.Linear)]
    return [(part.weight.detach().numpy().T, part.bias.detach().numpy()) for part in linear]


def build(spec: RunSpec, start) -> torch.nn.Sequential:
    """A torch model with the weights and biases of a network."""
    parts = []
    for weights, bias in zip(start.weights, start.biases, strict=True):
        layer = torch.nn.Linear(*weights.shape, dtype=torch.float64)
        layer.weight.data = torch.from_numpy(weights.T.astype(float).copy())
        layer.bias.data = torch.from_numpy(bias.astype(float).copy())
        parts += [layer, ACTIVATIONS[spec.model.activation]()]
    return torch.nn.Sequential(*parts[:-1])


def optimizer_of(spec: RunSpec, model):
    """The optimizer, with coupled or decoupled L2 as the spec says, of weights alone or of all."""
    wanted, reg = spec.optimizer, spec.regularization
    strength = reg.l2 if reg.l2_convention == "update" else 0.0
    by_kind = {
        1: [p for p in model.parameters() if p.ndim == 1],
        2: [p for p in model.parameters() if p.ndim == 2],
    }
    groups = [
        {"params": by_kind[2], "weight_decay": strength},
        {"params": by_kind[1], "weight_decay": strength if reg.decay_biases else 0.0},
    ]
    lr = wanted.schedule.lr
    if wanted.name == "sgd":
        return torch.optim.SGD(groups, lr, momentum=wanted.momentum, nesterov=wanted.nesterov)
    if wanted.name == "rmsprop":
        made = torch.optim.RMSprop
        return made(groups, lr, wanted.smoothing, wanted.eps, momentum=wanted.momentum)
    made = torch.optim.AdamW if wanted.decoupled else torch.optim.Adam
    return made(groups, lr, (wanted.beta1, wanted.beta2), wanted.eps)


def scheduler_of(spec: RunSpec, optimizer):
    """The learning rate by torch's schedulers, a step per update."""
    wanted, rates = spec.optimizer.schedule, torch.optim.lr_scheduler
    length = spec.steps() - wanted.warmup
    if wanted.name == "power":
        main = rates.LambdaLR(optimizer, lambda k: (1 + (k + 1) / wanted.tau) ** -wanted.alpha)
    elif wanted.name == "constant":
        main = rates.ConstantLR(optimizer, 1.0)
    elif wanted.name == "cosine":
        main = rates.CosineAnnealingLR(optimizer, length, wanted.end)
    else:
        main = rates.StepLR(optimizer, wanted.every, wanted.factor)
    if not wanted.warmup:
        return main
    rise = rates.LambdaLR(optimizer, lambda k: (k + 1) / wanted.warmup)
    return rates.SequentialLR(optimizer, [rise, main], [wanted.warmup])


def train(spec: RunSpec, data: Dataset, start, seed: int):
    """Train from the network ``start``; returns the model and, if one is asked for, its average."""
    reg, wanted = spec.regularization, spec.optimizer
    model = build(spec, start)
    optimizer, size = optimizer_of(spec, model), len(data.y_train)
    scheduler = scheduler_of(spec, optimizer)
    average = None
    if wanted.average:
        average = torch.optim.swa_utils.AveragedModel(
            model, multi_avg_fn=AVERAGES[wanted.average.name](wanted.average)
        )
        if wanted.average.name == "ema":
            average.update_parameters(model)
    batches, drops = stream(seed, "batches"), stream(seed, "dropout_input")
    for epoch in range(1, spec.training.epochs + 1):
        order = batches.permutation(size)
        x = torch.from_numpy(data.x_train[order].astype(float))
        y = torch.from_numpy(data.y_train[order])
        if reg.dropout_input:
            kept = drops.random(x.shape, dtype=np.float32) >= np.float32(reg.dropout_input)
            x = x * torch.from_numpy(kept) / (1 - reg.dropout_input)
        for first in range(0, size, spec.training.batch_size):
            rows = slice(first, first + spec.training.batch_size)

            def gradient(rows=rows, x=x, y=y):
                optimizer.zero_grad()
                loss_of(spec, model, x[rows], y[rows], size).backward()

            gradient()
            if wanted.sam:
                climb(model, wanted.sam.rho, gradient)
            if wanted.clip_norm:
                torch.nn.utils.clip_grad_norm_(model.parameters(), wanted.clip_norm)
            optimizer.step()
            scheduler.step()
            if reg.max_norm:
                for layer in [m for m in model if isinstance(m, torch.nn.Linear)][:-1]:
                    layer.weight.data = torch.renorm(layer.weight.data, 2, 0, reg.max_norm)
            if average is not None and wanted.average.name == "ema":
                average.update_parameters(model)
        is_swa = average is not None and wanted.average.name == "swa"
        if is_swa and epoch > wanted.average.start * spec.training.epochs:
            average.update_parameters(model)
    return model, average


def loss_of(spec: RunSpec, model, x, y, size: int):
    """What is differentiated: cross-entropy, penalties of the answers, and L2 as a penalty."""
    reg, logits = spec.regularization, model(x)
    loss = torch.nn.functional.cross_entropy(logits, y, label_smoothing=reg.label_smoothing)
    if reg.confidence_penalty:
        entropy = torch.distributions.Categorical(logits=logits).entropy()
        loss = loss - reg.confidence_penalty * entropy.mean()
    if reg.l2_convention == "penalty":
        loss = loss + reg.l2 / (2 * size) * sum((p**2).sum() for p in model.parameters())
    return loss


def climb(model, rho: float, gradient) -> None:
    """The second gradient of sharpness-aware minimization, left in the parameters' ``grad``."""
    grads = [p.grad.clone() for p in model.parameters()]
    length = torch.sqrt(sum((g**2).sum() for g in grads))
    kept = [p.detach().clone() for p in model.parameters()]
    with torch.no_grad():
        for p, g in zip(model.parameters(), grads, strict=True):
            p.add_(rho * g / length)
    gradient()
    with torch.no_grad():
        for p, old in zip(model.parameters(), kept, strict=True):
            p.copy_(old)
