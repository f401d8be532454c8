"""The training loop: epochs in compiled calls, evaluations between, resumable at each epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reglab.core.datasets.base import Dataset
from reglab.core.engine import kernels
from reglab.core.engine.activations import CODES
from reglab.core.engine.blas import one_blas_thread
from reglab.core.engine.evaluation import MEASURES
from reglab.core.engine.inputs import STRIP, Inputs
from reglab.core.engine.network import Network, initialize
from reglab.core.engine.packed import pack, pack_once
from reglab.core.engine.random_streams import get_state, set_state, stream
from reglab.core.engine.records import Checkpoint, Evaluation
from reglab.core.engine.stopping import Stopping, hold_out
from reglab.core.engine.workspace import aligned, make_workspace
from reglab.core.errors import FieldProblem, TrainingDivergedError
from reglab.core.identity_key import IdentityKey
from reglab.core.regularizers import Epoch, Regularizer, Sizes, active
from reglab.core.regularizers.shift import shift_batches
from reglab.core.spec import RunSpec


class Trainer:
    """Trains one run; iterate over it for its evaluations.

    Yields an ``Evaluation`` at epoch 0, every ``eval_every`` epochs and at the last. After each
    epoch, and after its evaluation was taken, calls ``on_epoch(epoch)``, from which
    ``checkpoint()`` may be called or an exception raised to stop. With early stopping the last
    epoch may come before ``training.epochs``, and ``network()`` is then the one to keep.

    Args:
        spec: The resolved spec.
        data: What to train on.
        seed: Seed of all random streams.
        checkpoint: Where to go on, from a trainer of the same spec, data and seed.
    """

    def __init__(
        self, spec: RunSpec, data: Dataset, seed: int, checkpoint: Checkpoint | None = None
    ) -> None:
        one_blas_thread()
        self.spec = spec
        self.data = data = hold_out(data, spec, seed)
        self.on_epoch: Callable[[int], None] | None = None
        self.epoch = 0
        self.step = 0
        self._regularizers = active(spec)
        self._widths = np.array(spec.widths(), np.int64)
        first = initialize(spec.widths(), stream(seed, "init"))
        self._theta, self._grad, self._m, self._v = (aligned(len(first)) for _ in range(4))
        self._theta[:] = first
        names = {"batches"} | {r.stream for r in self._regularizers if r.stream}
        self._streams = {name: stream(seed, name) for name in sorted(names)}
        self._train = Inputs.of(data.x_train, backward=True, near=True)
        self._seen = [
            (pack(self._train), data.y_train),
            (pack_once(IdentityKey(data.x_test)), data.y_test),
        ]
        if data.x_validation is not None and data.y_validation is not None:
            self._seen.append((pack(Inputs.of(data.x_validation, near=True)), data.y_validation))
        stopping = spec.regularization.early_stopping
        self._stopping = Stopping(stopping) if stopping else None
        self._targets = self._make_targets(data.y_train)
        self._sizes = self._make_sizes()
        self._optimizer = self._make_optimizer()
        batch = min(spec.training.batch_size, len(data.y_train))
        self._workspace = make_workspace(spec.widths(), batch)
        # What no epoch changes is put together once: short epochs would spend a tenth on it.
        self._rewriting = [
            regularizer for regularizer in self._regularizers if regularizer.rewrites
        ]
        self._noisy = [regularizer for regularizer in self._regularizers if regularizer.stream]
        wanted = spec.regularization.augmentation
        self._offset = data.offset if wanted is not None and wanted.needs_images else None
        self._silence = None if self._noisy else self._draw_noise()
        self._image = np.array(data.image_shape or (0, 0), np.int64)
        self._network = (self._widths, CODES[spec.model.activation], spec.model.loss == "squared")
        self._parameters = (self._theta, self._grad, self._m, self._v, self._moving_strips())
        self._last: Evaluation | None = None
        if checkpoint is not None:
            self._restore(checkpoint)

    def __iter__(self) -> Iterator[Evaluation]:
        """Train from the current epoch to the last.

        Raises:
            TrainingDivergedError: A parameter or loss became NaN or infinite; names the epoch.
        """
        if self.epoch == 0:
            yield self._look()
        training = self.spec.training
        while self.epoch < training.epochs and not self.stopped:
            self._train_epoch()
            if training.is_evaluated(self.epoch):
                yield self._look()
            if self.on_epoch is not None:
                self.on_epoch(self.epoch)
        best = self._stopping.restored() if self._stopping else None
        if best is not None:
            self._theta[:] = best

    @property
    def stopped(self) -> bool:
        """Whether early stopping has ended the training."""
        return self._stopping is not None and self._stopping.stopped

    def final(self) -> Evaluation:
        """The evaluation of the network that a finished training ends with.

        After early stopping with ``restore_best`` that of the best epoch, else of the last.
        """
        if self._stopping and self._stopping.best and self._stopping.restored() is not None:
            return self._stopping.best
        return self._last or self.evaluate()

    def summary(self) -> dict[str, Any]:
        """The trainer's part of a finished run's summary."""
        found: dict[str, Any] = {"final": self.final().document(), "steps": self.step}
        if self._stopping:
            found["early_stopping"] = self._stopping.summary(self.epoch)
        return found

    def network(self) -> Network:
        """The network as it is now (a copy)."""
        return Network(tuple(self.spec.widths()), self.spec.model.activation, self._theta.copy())

    def evaluate(self) -> Evaluation:
        """Loss and accuracy on the training, the test and, if any, the validation set."""
        network = Network(tuple(self.spec.widths()), self.spec.model.activation, self._theta)
        measure = MEASURES[self.spec.model.loss]
        numbers = [
            number
            for inputs, labels in self._seen
            for number in measure(network.logits(inputs), labels)
        ]
        if not np.isfinite(numbers).all():
            raise self._diverged("the loss is not finite")
        return Evaluation(self.epoch, self.step, *numbers)

    def _look(self) -> Evaluation:
        self._last = evaluation = self.evaluate()
        if self._stopping:
            self._stopping.see(evaluation, self._theta)
        return evaluation

    def checkpoint(self) -> Checkpoint:
        """A copy of the state after the last finished epoch."""
        arrays = {"theta": self._theta.copy()}
        if self.spec.optimizer.name == "adam":
            arrays |= {"m": self._m.copy(), "v": self._v.copy()}
        streams = {name: get_state(generator) for name, generator in self._streams.items()}
        state = {"epoch": self.epoch, "step": self.step, "streams": streams}
        if self._stopping:
            arrays |= self._stopping.arrays()
            state["stopping"] = self._stopping.state()
        return Checkpoint(arrays, state)

    def _restore(self, checkpoint: Checkpoint) -> None:
        self._theta[:] = checkpoint.arrays["theta"]
        if self.spec.optimizer.name == "adam":
            self._m[:], self._v[:] = checkpoint.arrays["m"], checkpoint.arrays["v"]
        self.epoch, self.step = checkpoint.state["epoch"], checkpoint.state["step"]
        for name, state in checkpoint.state["streams"].items():
            set_state(self._streams[name], state)
        if self._stopping:
            self._stopping.restore(checkpoint.arrays, checkpoint.state["stopping"])

    def _train_epoch(self) -> None:
        shifts, *noise = self._silence or self._draw_noise()
        order, train, targets = self._lay_out(shifts)
        if self._offset is not None:
            shifts = np.zeros_like(shifts)
        self.step = kernels.train_epoch(
            self._parameters,
            train.packed(),
            self._image,
            targets,
            order,
            (shifts, *noise),
            self.spec.training.batch_size,
            self._network,
            self._optimizer,
            self._workspace,
            self.step,
        )
        self.epoch += 1
        if not np.isfinite(self._theta).all():
            raise self._diverged("a parameter is not finite")

    def _lay_out(
        self, shifts: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], Inputs, NDArray[np.float32]]:
        """One epoch's order, inputs and targets; rewritten ones are in that order already.

        Centred images are augmented as they were before: also by the shifts, (batches, 2), which
        are else left to the compiled loop.
        """
        order = self._streams["batches"].permutation(len(self.data.y_train))
        if not self._rewriting and self._offset is None:
            return order, self._train, self._targets
        x, targets = self.data.x_train, self._targets
        for regularizer in self._rewriting:
            drawn = regularizer.redraw(self._stream_of(regularizer), self.data)
            if drawn is not None:
                x, targets = drawn[0], self._make_targets(drawn[1])
        batch, shape = self.spec.training.batch_size, self.data.image_shape
        rows = x[order] if self._offset is None else x[order] + self._offset
        epoch = Epoch(rows, targets[order], batch, shape)
        for regularizer in self._rewriting:
            epoch = regularizer.rewrite(self._stream_of(regularizer), epoch)
        if self._offset is not None:
            shift_batches(epoch, shifts)
            epoch.inputs[:] -= self._offset
        return np.arange(len(order)), Inputs.of(epoch.inputs, backward=True), epoch.targets

    def _stream_of(self, regularizer: Regularizer) -> np.random.Generator:
        assert regularizer.stream is not None
        return self._streams[regularizer.stream]

    def _draw_noise(self) -> tuple[NDArray[np.int64], NDArray[np.float32], int, np.float32]:
        shifts = np.zeros((self._sizes.batches, 2), np.int64)
        masks, mode = np.ones((1, 1), np.float32), kernels.NO_MASK
        for regularizer in self._noisy:
            rng = self._stream_of(regularizer)
            drawn = regularizer.shifts(rng, self._sizes)
            shifts = shifts if drawn is None else drawn
            mask = regularizer.masks(rng, self._sizes)
            if mask is not None:
                masks, mode = mask, self._mask_mode()
        keep = np.float32(1.0 - self.spec.regularization.dropout)
        return shifts, masks, mode, keep

    def _mask_mode(self) -> int:
        per_example = self.spec.regularization.dropout_mask == "example"
        return kernels.EXAMPLE_MASK if per_example else kernels.BATCH_MASK

    def _make_targets(self, labels: NDArray[np.int64]) -> NDArray[np.float32]:
        targets = np.eye(self.data.n_classes, dtype=np.float32)[labels]
        for regularizer in self._regularizers:
            targets = regularizer.targets(targets)
        return np.ascontiguousarray(targets)

    def _make_sizes(self) -> Sizes:
        examples = len(self.data.y_train)
        batches = self.spec.training.batches(examples)
        return Sizes(examples, batches, sum(self.spec.model.hidden))

    def _make_optimizer(self) -> tuple[int, NDArray[np.float64], bool, bool]:
        wanted, rate = self.spec.optimizer, self.spec.optimizer.schedule
        decays = [regularizer.decay() for regularizer in self._regularizers]
        l2, l1 = sum(decay.l2 for decay in decays), sum(decay.l1 for decay in decays)
        numbers = (rate.lr, rate.alpha, rate.tau, l2, l1, wanted.beta1, wanted.beta2, wanted.eps)
        code = kernels.ADAM if wanted.name == "adam" else 0
        hyper = np.array(numbers, np.float64)
        return code, hyper, wanted.decoupled, any(decay.proximal for decay in decays)

    def _moving_strips(self) -> NDArray[np.bool_]:
        """Strips of pixels whose weights training can move: those that are never lit stay put."""
        _, hyper, _, _ = self._optimizer
        changes = any(regularizer.rewrites for regularizer in self._regularizers)
        if changes or "augmentation" in self._streams or hyper[3] or hyper[4]:
            return np.ones(-(-int(self._widths[0]) // STRIP), np.bool_)
        return np.asarray(self._train.strips_lit.any(axis=1))

    def _diverged(self, what: str) -> TrainingDivergedError:
        return TrainingDivergedError(
            FieldProblem(
                "optimizer.schedule.lr",
                f"Training diverged in epoch {self.epoch}: {what}.",
                "Use a smaller learning rate or weaker regularization.",
            )
        )
