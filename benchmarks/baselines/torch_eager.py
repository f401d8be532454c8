"""PyTorch, eager mode, one thread: nn.Module, autograd, torch.optim."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch
from torch import nn

from benchmarks.workloads import Workload


def prepare(workload: Workload) -> Callable[[int], None]:
    """A function that trains some epochs."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    spec = workload.spec
    widths = spec.widths()
    parts: list[nn.Module] = []
    for n_in, n_out in itertools.pairwise(widths):
        parts += [nn.Linear(n_in, n_out), nn.Tanh()]
        if spec.regularization.dropout:
            parts.append(nn.Dropout(spec.regularization.dropout))
    last = max(at for at, part in enumerate(parts) if isinstance(part, nn.Linear))
    model = nn.Sequential(*parts[: last + 1])
    rate = spec.optimizer.schedule
    decay = spec.regularization.l2
    optimizer: torch.optim.Optimizer
    if spec.optimizer.name == "adam":
        optimizer = torch.optim.AdamW(model.parameters(), lr=rate.lr, weight_decay=decay)
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=rate.lr, weight_decay=decay)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda t: (1 + (t + 1) / rate.tau) ** -rate.alpha
    )
    loss = nn.CrossEntropyLoss(label_smoothing=spec.regularization.label_smoothing)
    x = torch.from_numpy(workload.data.x_train)
    y = torch.from_numpy(workload.data.y_train)
    size = spec.training.batch_size

    def epoch() -> None:
        order = torch.randperm(len(x))
        for batch in order.split(size):
            optimizer.zero_grad()
            loss(model(x[batch]), y[batch]).backward()
            optimizer.step()
            scheduler.step()

    def train(epochs: int) -> None:
        for _ in range(epochs):
            epoch()

    return train
